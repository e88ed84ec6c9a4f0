"""Twenty header sets as clients send them, each in its own order. Never holds Authorization or framing fields."""

from random import Random

_CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36"
_FIREFOX = "Mozilla/5.0 ({0}; rv:{1}.0) Gecko/20100101 Firefox/{1}.0"
_SAFARI = "Mozilla/5.0 ({}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{}.1 Safari/605.1.15"
_WINDOWS, _MAC, _LINUX = "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64"
_IPHONE, _ANDROID = "iPhone; CPU iPhone OS 18_6 like Mac OS X", "Linux; Android 15; Pixel 9"
_LANGUAGES = (
    "zh-CN,zh;q=0.9,en;q=0.8",
    "en-US,en;q=0.9",
    "zh-TW,zh;q=0.8,en-US;q=0.5,en;q=0.3",
    "de-DE,de;q=0.9,en;q=0.6",
)
_ENCODING = "gzip, deflate, br, zstd"

type HeaderSet = list[tuple[str, str]]


def _chromium(number: int, platform: str, name: str) -> HeaderSet:
    version = 138 + number % 5
    return [
        ("Host", "api.example.com"),
        ("Connection", "keep-alive"),
        ("sec-ch-ua-platform", f'"{name}"'),
        ("User-Agent", _CHROME.format(platform, version)),
        ("Accept", "application/json, text/plain, */*"),
        ("sec-ch-ua", f'"Not)A;Brand";v="8", "Chromium";v="{version}", "Google Chrome";v="{version}"'),
        ("sec-ch-ua-mobile", "?1" if platform == _ANDROID else "?0"),
        ("Origin", "https://app.example.com"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Mode", "cors"),
        ("Sec-Fetch-Dest", "empty"),
        ("Referer", "https://app.example.com/"),
        ("Accept-Encoding", _ENCODING),
        ("Accept-Language", _LANGUAGES[number % len(_LANGUAGES)]),
    ]


def _firefox(number: int, platform: str) -> HeaderSet:
    return [
        ("Host", "api.example.com"),
        ("User-Agent", _FIREFOX.format(platform, 139 + number % 4)),
        ("Accept", "application/json"),
        ("Accept-Language", _LANGUAGES[(number + 1) % len(_LANGUAGES)]),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("Referer", "https://app.example.com/quotes"),
        ("Origin", "https://app.example.com"),
        ("DNT", "1"),
        ("Connection", "keep-alive"),
        ("Sec-Fetch-Dest", "empty"),
        ("Sec-Fetch-Mode", "cors"),
        ("Sec-Fetch-Site", "same-site"),
        ("Priority", "u=4"),
    ]


def _safari(number: int, platform: str) -> HeaderSet:
    return [
        ("Host", "api.example.com"),
        ("Accept", "application/json"),
        ("Sec-Fetch-Site", "same-site"),
        ("Accept-Language", _LANGUAGES[(number + 2) % len(_LANGUAGES)]),
        ("Accept-Encoding", "gzip, deflate, br"),
        ("Sec-Fetch-Mode", "cors"),
        ("Origin", "https://app.example.com"),
        ("User-Agent", _SAFARI.format(platform, 17 + number % 2)),
        ("Connection", "keep-alive"),
        ("Sec-Fetch-Dest", "empty"),
    ]


def _program(agent: str, *more: tuple[str, str]) -> HeaderSet:
    return [("Host", "api.example.com"), ("User-Agent", agent), ("Accept", "*/*"), *more]


def header_sets() -> list[HeaderSet]:
    """Return the twenty sets."""
    sets = [
        _chromium(number, platform, name)
        for number, (platform, name) in enumerate(
            ((_WINDOWS, "Windows"), (_MAC, "macOS"), (_LINUX, "Linux"), (_ANDROID, "Android")) * 2
        )
    ]
    sets += [_firefox(number, platform) for number, platform in enumerate((_WINDOWS, _MAC, _LINUX, _WINDOWS))]
    sets += [_safari(number, platform) for number, platform in enumerate((_MAC, _IPHONE, _MAC))]
    sets += [
        _program(
            "okhttp/4.12.0", ("Accept-Encoding", "gzip"), ("Connection", "Keep-Alive"), ("X-App-Version", "7.4.1")
        ),
        _program("python-requests/2.32.5", ("Accept-Encoding", "gzip, deflate"), ("Connection", "keep-alive")),
        _program("curl/8.15.0"),
        _program("Go-http-client/1.1", ("Accept-Encoding", "gzip")),
        _program("axios/1.12.2", ("Accept-Encoding", "gzip, compress, deflate, br"), ("Connection", "keep-alive")),
    ]
    return sets


def shuffled(chance: Random, fields: HeaderSet) -> HeaderSet:
    """Return the fields in an order of their own."""
    result = list(fields)
    chance.shuffle(result)
    return result
