"""The image registry of the local cloud (image.md): objects of the store that are known as images of machines.

An image is an object with registered metadata; who may read the object may use the image. The bytes are never looked
at: no machine is ever started from them.
"""
