"""Unpacks the ELF file that a bzImage carries. usage: vmlinux.py BZIMAGE ELF

Where it lies is in the header (Linux, Documentation/x86/boot.rst: setup_sects at 0x1f1,
payload_offset at 0x248, payload_length at 0x24c). The last four bytes are its size."""
import bz2
import gzip
import lzma
import struct
import sys


def unpack(payload):
    if payload.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor().decompress(payload)
    if payload.startswith(b"\x1f\x8b"):
        return gzip.decompress(payload[:-4])
    if payload.startswith(b"BZh"):
        return bz2.decompress(payload[:-4])
    sys.exit("vmlinux.py: packed in a way that is not known here: " + payload[:4].hex())


def main():
    with open(sys.argv[1], "rb") as f:
        image = f.read()
    sectors, = struct.unpack_from("<B", image, 0x1f1)
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = ((sectors or 4) + 1) * 512 + offset
    elf = unpack(image[start:start + length])
    if not elf.startswith(b"\x7fELF"):
        sys.exit("vmlinux.py: no ELF file inside of " + sys.argv[1])
    with open(sys.argv[2], "wb") as f:
        f.write(elf)


main()
