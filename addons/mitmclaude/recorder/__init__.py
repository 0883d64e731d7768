"""The recorder: what passes the proxy → records and raw flows in the store, in a process of its own or in this one.

The proxy sends `messages`, and keeps what it sent until the recorder replies that it is stored. `work` is what a
recorder does; `inline` runs it in a thread of the proxy, `apart` in a second process.
"""
