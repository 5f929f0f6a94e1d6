import pytest

from planets.cache.instruments.wording import share, size, span

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (None, "unknown"),
        (0, "0 bytes"),
        (1023, "1,023 bytes"),
        (1536, "1.5 KiB"),
        (3 * 1024**3, "3.0 GiB"),
        (5000 * 1024**4, "5,000.0 TiB"),
    ],
)
def test_sizes(count: int | None, words: str) -> None:
    assert size(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "for ever"),
        (0, "0 s"),
        (2.44, "2.4 s"),
        (10.2, "10 s"),
        (252, "4 min 12 s"),
        (300, "5 min"),
        (7_205, "2 h"),
        (90_061, "1 d 1 h"),
    ],
)
def test_spans(seconds: float | None, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("part", "words"), [(None, "none yet"), (0.0, "0.0 %"), (0.9345, "93.5 %"), (1.0, "100.0 %")]
)
def test_shares(part: float | None, words: str) -> None:
    assert share(part) == words
