"""Is imported last by the server of forks: what each start would make anew is made, and no fork's collector looks through it all."""

import gc

from app.bootstrap import _schema_hash
from auth.passwords import _dummy_hash
from outgoing.safe_http import _system_authorities

for make in (_schema_hash, _dummy_hash, _system_authorities):
    make()
gc.collect()
gc.freeze()
