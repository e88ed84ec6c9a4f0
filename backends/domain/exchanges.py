"""The exchanges that the stocks are listed on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MarketInfo:
    """One exchange and its local hours (`HH:MM`)."""

    code: str
    name: str
    currency: str
    timezone: str
    open_time: str
    close_time: str


EXCHANGES = {
    exchange.code: exchange
    for exchange in (
        MarketInfo("SH", "Shanghai Stock Exchange", "CNY", "Asia/Shanghai", "09:30", "15:00"),
        MarketInfo("SZ", "Shenzhen Stock Exchange", "CNY", "Asia/Shanghai", "09:30", "15:00"),
        MarketInfo("HK", "Hong Kong Stock Exchange", "HKD", "Asia/Hong_Kong", "09:30", "16:00"),
        MarketInfo("US", "US Exchanges", "USD", "America/New_York", "09:30", "16:00"),
    )
}
