"""A MongoDB that demands TLS and a name: its URI says both, and who is not let in waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pymongo
import pytest
import trustme

from sandbox.child import Child
from sandbox.free_ports import free_ports
from sandbox.mongod import SET, Mongod
from shared.model.errors import MongoUnavailable
from shared.mongo.database import open_database
from shared.mongo.errors import mongo_border
from shared.mongo.migrations import migrate
from shared.mongo.schema import SCHEMA_VERSION

PASSWORD = "p@ss:word/of%40it"
QUOTED = "p%40ss%3Aword%2Fof%2540it"


class StrictMongod:
    """Where it is, and whom it shows."""

    def __init__(self, folder: Path, port: int) -> None:
        authority = trustme.CA()
        self.ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca)
        shown = folder / "server.pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(shown)
        key = folder / "key"
        key.write_text("of the members of the set")
        key.chmod(0o600)
        self._where = f"127.0.0.1:{port}"
        node = Mongod(folder, port, cache_gb=0.25)
        node.start()
        with pymongo.MongoClient(node.uri) as client:  # type: ignore[var-annotated]
            role = {"role": "readWrite", "db": "carillon"}
            client.admin.command("createUser", "carillon", pwd=PASSWORD, roles=[role])
        node.stop()
        demands = ("--tlsMode", "requireTLS", "--tlsCertificateKeyFile", str(shown), "--tlsCAFile", str(self.ca))
        demands += ("--tlsAllowConnectionsWithoutCertificates", "--auth", "--keyFile", str(key))
        self.child = Child("mongod", (*node.child.argv, *demands), log=folder / "strict.log")
        self.child.spawn()

    def uri(self, password: str = QUOTED, *, tls: bool = True) -> str:
        query = f"replicaSet={SET}&authSource=admin" + (f"&tls=true&tlsCAFile={self.ca}" if tls else "")
        return f"mongodb://carillon:{password}@{self._where}/?{query}"


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StrictMongod]:
    node = StrictMongod(tmp_path_factory.mktemp("strict"), free_ports(1)[0])
    yield node
    node.child.kill()


async def test_its_uri_lets_in_with_tls_and_a_name(strict: StrictMongod) -> None:
    assert await migrate(strict.uri(), "carillon") == SCHEMA_VERSION
    async with open_database(strict.uri(), "carillon") as database:
        await database.profiles.insert_one({"_id": "default:ada"})
        assert await database.profiles.count_documents({}) == 1


@pytest.mark.parametrize(("password", "tls"), [("wrong", True), (QUOTED, False)])
async def test_who_is_not_let_in_waits(strict: StrictMongod, password: str, *, tls: bool) -> None:
    async with open_database(strict.uri(password, tls=tls), "carillon", timeout_ms=3_000) as database:
        with pytest.raises(MongoUnavailable), mongo_border():
            await database.profiles.find_one({})
