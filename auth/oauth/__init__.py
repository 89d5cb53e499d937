"""The OAuth 2.1 authorization server: grants over Authlib's framework-agnostic core, and its endpoints.

Authlib's grants are synchronous. So an endpoint loads what a request names (client, code, session) inside a transaction, lets the
grant judge the request over that, and stores what came of it: nothing in between waits, and two requests cannot interleave.
"""
