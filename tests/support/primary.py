"""A throwaway MariaDB or MySQL that writes a binlog, with the user of a watcher.

MySQL is run from a tree that TEST_MYSQL_TREE names, by the tree's own loader: tests/servers.sh
fetches one.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from tests.support.driver import MySQLdb

from .servers import Server, find_binary, free_port

USER, PASSWORD = "watcher", "watches"
TREE = os.environ.get("TEST_MYSQL_TREE", "")


class Primary(Server):
    """`flavor` is "mariadb" or "mysql"; `options` are of the server, as binlog_format="MIXED"."""

    def __init__(self, flavor: str = "mariadb", **options: Any) -> None:
        super().__init__()
        self.flavor, self.options, self.port = flavor, options, free_port()
        self.socket = str(self.directory / "db.sock")
        self.prepare()
        self.start()
        with self.client() as root:
            cursor = root.cursor()
            cursor.execute(f"CREATE USER {USER}@localhost IDENTIFIED BY '{PASSWORD}'")
            cursor.execute(
                f"GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO {USER}@localhost"
            )
            cursor.execute(f"GRANT SELECT, REFERENCES, TRIGGER ON `%`.* TO {USER}@localhost")

    @property
    def program(self) -> list[str]:
        if self.flavor == "mariadb":
            return [find_binary("mariadbd")]
        libraries = [f"{TREE}/usr/lib/x86_64-linux-gnu", f"{TREE}/lib/x86_64-linux-gnu"]
        loader = next(Path(TREE).glob("*/ld-linux-x86-64.so.2"), None) or next(
            Path(TREE).glob("**/ld-linux-x86-64.so.2")
        )
        return [
            str(loader), "--library-path", ":".join(libraries), f"{TREE}/usr/sbin/mysqld",
        ]  # fmt: skip

    @property
    def common(self) -> list[str]:
        as_root = ["--user=root"] if os.geteuid() == 0 else []
        own = [f"--datadir={self.directory / 'data'}", f"--tmpdir={self.directory}"]
        return ["--no-defaults", *own, *as_root]

    def prepare(self) -> None:
        if self.flavor == "mariadb":
            command = [
                *(find_binary("mariadb-install-db"), *self.common, "--skip-test-db"),
                "--auth-root-authentication-method=normal",
            ]
        else:
            command = [*self.program, *self.common, "--initialize-insecure", *self.of_mysql]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    @property
    def of_mysql(self) -> list[str]:
        return [
            "--secure-file-priv=",
            "--mysqlx=OFF",
            f"--lc-messages-dir={TREE}/usr/share/mysql",
            f"--plugin-dir={TREE}/usr/lib/mysql/plugin",
        ]

    def start(self) -> None:
        options = {
            "server_id": 1,
            "log_bin": "binlog",
            "binlog_format": "ROW",
            # To the system at each commit: what is killed loses nothing that it says it has done.
            "innodb_flush_log_at_trx_commit": 2,
            "sync_binlog": 0,
            "character_set_server": "utf8mb4",
        }
        if self.flavor == "mysql":
            del options["binlog_format"]  # which 9.7 warns of, and ROW is what it does
            options |= {"gtid_mode": "ON", "enforce_gtid_consistency": "ON"}
        options |= self.options
        self.spawn(
            [
                *self.program,
                *self.common,
                f"--socket={self.socket}",
                f"--pid-file={self.directory / 'db.pid'}",
                *("--bind-address=127.0.0.1", f"--port={self.port}", "--skip-name-resolve"),
                *(self.of_mysql if self.flavor == "mysql" else []),
                *(f"--{name.replace('_', '-')}={value}" for name, value in options.items()),
            ],
            self.accepts,
        )

    def accepts(self) -> bool:
        try:
            self.client().close()
        except MySQLdb.OperationalError:
            return False
        return True

    def restart(self) -> None:
        self.stop()
        self.start()

    def follow(self, source: Primary) -> None:
        """Become a replica of another: all that it ever wrote, and what it will write."""
        with source.client() as root, root.cursor() as cursor:
            cursor.execute("CREATE USER IF NOT EXISTS follower IDENTIFIED BY 'follows'")
            cursor.execute("GRANT REPLICATION SLAVE ON *.* TO follower")
        forget, change, start = {
            "mariadb": (
                "RESET MASTER",
                "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=%s, "
                "MASTER_USER='follower', MASTER_PASSWORD='follows', MASTER_USE_GTID=slave_pos",
                "START SLAVE",
            ),
            "mysql": (
                "RESET BINARY LOGS AND GTIDS",
                "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1', SOURCE_PORT=%s, "
                "SOURCE_USER='follower', SOURCE_PASSWORD='follows', SOURCE_AUTO_POSITION=1, "
                "GET_SOURCE_PUBLIC_KEY=1",
                "START REPLICA",
            ),
        }[self.flavor]
        with self.client() as root, root.cursor() as cursor:
            cursor.execute(f"DROP USER {USER}@localhost")  # the source's history makes it again
            cursor.execute(forget)
            cursor.execute(change, [source.port])
            cursor.execute(start)

    def stop_following(self) -> None:
        with self.client() as root:
            root.cursor().execute("STOP SLAVE" if self.flavor == "mariadb" else "STOP REPLICA")

    def client(self, **options: Any) -> Any:
        """A plain client, that is not Django: what it writes nobody of the layer hears."""
        options = {"user": "root", "autocommit": True, "charset": "utf8mb4", **options}
        return MySQLdb.connect(unix_socket=self.socket, local_infile=True, **options)
