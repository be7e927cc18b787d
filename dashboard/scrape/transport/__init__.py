"""HTTP/1.1 towards servers that may hang, lie or explode: sockets, TLS, proxies, credentials, bodies.

The usual libraries are made for servers that mean well: they time each read and not the whole answer, read a chunk of
negative size to its end, and take a body as whole that is not. So what is between a socket and a page is written out
here, each part small enough to be read in one go. Where people write down how to reach a server,
:class:`dashboard.scrape.http_client.HttpClient` puts the parts together.
"""
