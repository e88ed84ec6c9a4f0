"""The stocks that a fresh store gets: real symbols and names, share counts and first prices made plausible."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listing:
    """One stock; `shares_millions` is the share count, `price` where its k-lines begin."""

    symbol: str
    name: str
    market: str
    industry: str
    list_date: str
    shares_millions: int
    price: float


LISTINGS: tuple[Listing, ...] = (
    Listing("600519", "贵州茅台", "SH", "beverages", "2001-08-27", 1256, 1480.0),
    Listing("600036", "招商银行", "SH", "banking", "2002-04-09", 25220, 41.5),
    Listing("601318", "中国平安", "SH", "insurance", "2007-03-01", 18210, 54.2),
    Listing("600900", "长江电力", "SH", "utilities", "2003-11-18", 24468, 27.8),
    Listing("601899", "紫金矿业", "SH", "mining", "2008-04-25", 26578, 18.6),
    Listing("600276", "恒瑞医药", "SH", "pharmaceuticals", "2000-10-18", 6379, 52.4),
    Listing("601012", "隆基绿能", "SH", "energy", "2012-04-11", 7578, 16.9),
    Listing("600030", "中信证券", "SH", "securities", "2003-01-06", 14821, 27.3),
    Listing("601398", "工商银行", "SH", "banking", "2006-10-27", 356406, 7.1),
    Listing("601288", "农业银行", "SH", "banking", "2010-07-15", 349983, 5.9),
    Listing("601857", "中国石油", "SH", "energy", "2007-11-05", 183021, 8.8),
    Listing("600028", "中国石化", "SH", "energy", "2001-08-08", 121281, 6.2),
    Listing("601166", "兴业银行", "SH", "banking", "2007-02-05", 20774, 21.4),
    Listing("600887", "伊利股份", "SH", "food", "1996-03-12", 6366, 28.1),
    Listing("603259", "药明康德", "SH", "pharmaceuticals", "2018-05-08", 2888, 63.5),
    Listing("600309", "万华化学", "SH", "chemicals", "2001-01-05", 3140, 68.0),
    Listing("601888", "中国中免", "SH", "retail", "2009-10-15", 2069, 66.7),
    Listing("688981", "中芯国际", "SH", "semiconductors", "2020-07-16", 7973, 92.3),
    Listing("600104", "上汽集团", "SH", "automobiles", "1997-11-25", 11575, 16.3),
    Listing("601668", "中国建筑", "SH", "construction", "2009-07-29", 41320, 5.7),
    Listing("000001", "平安银行", "SZ", "banking", "1991-04-03", 19406, 11.6),
    Listing("000002", "万科A", "SZ", "real estate", "1991-01-29", 11931, 7.4),
    Listing("000333", "美的集团", "SZ", "appliances", "2013-09-18", 7660, 74.8),
    Listing("000651", "格力电器", "SZ", "appliances", "1996-11-18", 5601, 44.2),
    Listing("000858", "五粮液", "SZ", "beverages", "1998-04-27", 3882, 132.5),
    Listing("002594", "比亚迪", "SZ", "automobiles", "2011-06-30", 9117, 108.4),
    Listing("300750", "宁德时代", "SZ", "batteries", "2018-06-11", 4403, 262.0),
    Listing("002415", "海康威视", "SZ", "electronics", "2010-05-28", 9233, 30.7),
    Listing("300059", "东方财富", "SZ", "securities", "2010-03-19", 15785, 22.6),
    Listing("002475", "立讯精密", "SZ", "electronics", "2010-09-15", 7247, 42.9),
    Listing("300760", "迈瑞医疗", "SZ", "medical devices", "2018-10-16", 1212, 241.0),
    Listing("002714", "牧原股份", "SZ", "agriculture", "2014-01-28", 5463, 41.8),
    Listing("000725", "京东方A", "SZ", "electronics", "2001-01-12", 37650, 4.3),
    Listing("002230", "科大讯飞", "SZ", "software", "2008-05-12", 2312, 49.6),
    Listing("000568", "泸州老窖", "SZ", "beverages", "1994-05-09", 1472, 128.3),
    Listing("00700", "腾讯控股", "HK", "internet", "2004-06-16", 9180, 512.0),
    Listing("09988", "阿里巴巴-W", "HK", "internet", "2019-11-26", 19110, 128.6),
    Listing("03690", "美团-W", "HK", "internet", "2018-09-20", 6110, 121.4),
    Listing("01810", "小米集团-W", "HK", "electronics", "2018-07-09", 25930, 52.7),
    Listing("00941", "中国移动", "HK", "telecoms", "1997-10-23", 21620, 84.3),
    Listing("01299", "友邦保险", "HK", "insurance", "2010-10-29", 10500, 71.2),
    Listing("00388", "香港交易所", "HK", "securities", "2000-06-27", 1268, 426.0),
    Listing("02318", "中国平安H", "HK", "insurance", "2004-06-24", 7448, 53.9),
    Listing("AAPL", "Apple", "US", "electronics", "1980-12-12", 14840, 232.5),
    Listing("MSFT", "Microsoft", "US", "software", "1986-03-13", 7433, 498.0),
    Listing("NVDA", "NVIDIA", "US", "semiconductors", "1999-01-22", 24300, 178.2),
    Listing("AMZN", "Amazon", "US", "retail", "1997-05-15", 10660, 226.4),
    Listing("TSLA", "Tesla", "US", "automobiles", "2010-06-29", 3325, 338.0),
    Listing("BABA", "Alibaba ADR", "US", "internet", "2014-09-19", 2385, 131.7),
    Listing("PDD", "PDD Holdings", "US", "internet", "2018-07-26", 1420, 124.9),
)
