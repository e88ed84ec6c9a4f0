"""What both backends share: accounts, market, news, queue, analysis and settings over one document store and Redis.

Knows nothing of HTTP, of envelopes or of either side's field names; never imports the shells or the gateway.
"""
