"""The codings that a body may be sent in, undone in bounded pieces."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

import zstandard

from dashboard.scrape.errors import FetchError, Layer

_PIECE = 256 * 1024
# Four bytes of zstd can stand for 128 KiB, and its decoder does not stop before its input is used up.
_ZSTD_INPUT = 512
# More is not to be asked of who reads a Content-Encoding (RFC 9659).
_ZSTD_WINDOW = 8 << 20


def decoded(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield a body that was sent with a Content-Encoding, as it was before.

    Raises:
        FetchError: the coding is none that was asked for, or the body is damaged.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return pieces
    if name not in _DECODERS:
        raise FetchError(Layer.BODY, f'unsupported Content-Encoding "{encoding}"')
    return _DECODERS[name](pieces)


def _gunzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Several members may follow one another, anything else may not."""
    decoder = zlib.decompressobj(wbits=31)
    try:
        for piece in pieces:
            rest, more = piece, False
            while rest or more:
                if decoder.eof:
                    decoder = zlib.decompressobj(wbits=31)
                plain = decoder.decompress(rest, _PIECE)
                yield plain
                rest = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
                # A full piece may leave output within the decoder even though it has taken all input.
                more = len(plain) == _PIECE and not decoder.eof
    except zlib.error as error:
        raise FetchError(Layer.BODY, f"gzip: {error}") from error
    if not decoder.eof:
        raise FetchError(Layer.BODY, "gzip: unexpected end")


def _unzstd(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Several frames may follow one another, anything else may not."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    decoder = decompressor.decompressobj()
    try:
        for piece in _small(pieces):
            rest = piece
            while rest:
                if decoder.eof:
                    decoder = decompressor.decompressobj()
                yield decoder.decompress(rest)
                rest = decoder.unused_data if decoder.eof else b""
    except zstandard.ZstdError as error:
        raise FetchError(Layer.BODY, str(error).removesuffix(".")) from error
    if not decoder.eof:
        raise FetchError(Layer.BODY, "zstd: unexpected end")


def _small(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for at in range(0, len(piece), _ZSTD_INPUT):
            yield piece[at : at + _ZSTD_INPUT]


_DECODERS: dict[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = {"gzip": _gunzipped, "zstd": _unzstd}
