import { chmodSync, closeSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Clock } from "../ground/clock.ts";
import { LintelError, messageOf } from "../ground/errors.ts";
import { isRecord, recordAt, stringAt } from "../ground/json.ts";
import type { KubeObject } from "../resource/object.ts";
import { EmbeddedStore } from "./embedded-store.ts";
import type { Journal, JournalChange, JournalRecord } from "./journal.ts";

/** The layout of the file; a file of a later layout is refused rather than misread. */
const SCHEMA_VERSION = 1;

/**
 * An {@link EmbeddedStore} whose journal is an SQLite file (WAL, `synchronous=FULL`): what was acknowledged survives
 * `kill -9` and the loss of power. The writes of one event-loop turn share a transaction. One process at a time.
 */
export class SqliteStore extends EmbeddedStore {
  /**
   * Opens or creates the file at `path` with mode 0600: it holds private keys.
   * Throws `StateUnreadable` when it is not a database of ours, or is damaged.
   */
  static open(options: { readonly path: string; readonly clock: Clock }): Promise<SqliteStore> {
    return Promise.resolve(new SqliteStore({ clock: options.clock, journal: openJournal(options.path) }));
  }
}

function openJournal(path: string): Journal {
  try {
    // The file is made with its mode before SQLite opens it, so that it is never readable by others.
    closeSync(openSync(path, "a", 0o600));
    chmodSync(path, 0o600);
    const database = new DatabaseSync(path);
    database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=2000;");
    prepareSchema(database, path);
    return new SqliteJournal(database, path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function prepareSchema(database: DatabaseSync, path: string): void {
  database.exec(`
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID, STRICT;
    CREATE TABLE IF NOT EXISTS objects (
      resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,
      PRIMARY KEY (resource, namespace, name)
    ) WITHOUT ROWID, STRICT;
  `);
  const found = readMeta(database, "schema");
  if (found === undefined) {
    database.prepare("INSERT INTO meta (key, value) VALUES ('schema', ?)").run(SCHEMA_VERSION);
  } else if (found !== SCHEMA_VERSION) {
    throw new LintelError(`Cannot read "${path}": its layout is ${found}, this version knows ${SCHEMA_VERSION}`, {
      code: "StateUnreadable",
      fault: "user",
      hint: "Run the version of Lintel that wrote it, or another --state folder",
    });
  }
}

function readMeta(database: DatabaseSync, key: string): number | undefined {
  const row: unknown = database.prepare("SELECT value FROM meta WHERE key = ?").get(key);
  const value = isRecord(row) ? row["value"] : undefined;
  return typeof value === "number" ? value : undefined;
}

class SqliteJournal implements Journal {
  readonly grouped = true;
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #put: StatementSync;
  readonly #drop: StatementSync;
  readonly #setVersion: StatementSync;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#put = database.prepare(
      "INSERT OR REPLACE INTO objects (resource, namespace, name, body) VALUES (?, ?, ?, ?)",
    );
    this.#drop = database.prepare("DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?");
    this.#setVersion = database.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('version', ?)");
  }

  load(): { readonly records: Iterable<JournalRecord>; readonly version: number } {
    try {
      const rows: readonly unknown[] = this.#database
        .prepare("SELECT resource, namespace, name, body FROM objects")
        .all();
      return { records: rows.map((row) => toRecord(row)), version: readMeta(this.#database, "version") ?? 0 };
    } catch (error) {
      throw unreadable(this.#path, error);
    }
  }

  append(changes: readonly JournalChange[]): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const { resource, namespace, name, object } of changes) {
        if (object === undefined) this.#drop.run(resource, namespace, name);
        else this.#put.run(resource, namespace, name, JSON.stringify(object));
      }
      this.#setVersion.run(changes.at(-1)?.version ?? 0);
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw new LintelError(`Cannot write the state to "${this.#path}": ${messageOf(error)}`, {
        code: "StateUnreadable",
        hint: `Make room on its disk and check the rights of "${this.#path}"`,
        cause: error,
      });
    }
  }

  close(): void {
    this.#database.close();
  }
}

function toRecord(row: unknown): JournalRecord {
  const object = parseObject(stringAt(row, "body") ?? "");
  return {
    resource: stringAt(row, "resource") ?? "",
    namespace: stringAt(row, "namespace") ?? "",
    name: stringAt(row, "name") ?? "",
    object,
  };
}

function parseObject(body: string): KubeObject {
  const value: unknown = JSON.parse(body);
  const metadata = recordAt(value, "metadata");
  const name = stringAt(metadata, "name");
  const apiVersion = stringAt(value, "apiVersion");
  const kind = stringAt(value, "kind");
  if (!isRecord(value) || name === undefined || apiVersion === undefined || kind === undefined) {
    throw new LintelError("Cannot read a stored object: it has no name or kind", { code: "StateUnreadable" });
  }
  return { ...value, apiVersion, kind, metadata: { ...metadata, name } };
}

function unreadable(path: string, error: unknown): LintelError {
  if (error instanceof LintelError) return error;
  return new LintelError(`Cannot read the state in "${path}": ${messageOf(error)}`, {
    code: "StateUnreadable",
    fault: "user",
    hint: "Restore the file from a backup, or start with another --state folder",
    cause: error,
  });
}
