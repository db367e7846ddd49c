"""The store: reports, rulesets and everything else that is kept in Redis.

`RedisStore` puts the parts together: `RedisStore(settings).board.acknowledge(...)`. Each part is one class in a file of
its own, over a shared `Connection`. A change that nobody may see half done is one Lua script or one transaction.
"""
