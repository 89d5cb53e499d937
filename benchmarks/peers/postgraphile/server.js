// PostGraphile 5 over PantheraHive's tables, as its documentation advises for production: grafserv on node's http server, a role of
// its own, row-level security (rights.sql), and the viewer handed to Postgres as a setting of the transaction.
//
// Environment: PORT, PEER_ISSUER, HIVE_SECRET_KEY, PEER_GUARDED=no for no rights at all (to see what they cost), and libpq's PGHOST, PGPORT, …

import { createServer } from "node:http";

import pg from "pg";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

import { tokens } from "../tokens.mjs";

const guarded = process.env.PEER_GUARDED !== "no";
const authenticate = await tokens(new pg.Pool({ max: 2 }), process.env.PEER_ISSUER);
const pool = new pg.Pool({ max: 10, ...(guarded && { user: "bench_viewer" }) });
pool.on("error", (error) => console.error(error));

const preset = {
  extends: [PostGraphileAmberPreset],
  pgServices: [makePgService({ pool, schemas: ["public"] })],
  schema: { dontSwallowErrors: true },
  grafast: {
    explain: false,
    async context(request) {
      const viewer = await authenticate(request.node.req.headers.authorization);
      return guarded ? { pgSettings: { "jwt.claims.user_id": viewer.userId } } : {};
    },
  },
  grafserv: { graphiql: false, websockets: false, watch: false, outputDataAsString: true },
};

const server = createServer();
const pgl = postgraphile(preset);
await pgl.createServ(grafserv).addTo(server);
if (process.env.PEER_PRINT_SCHEMA) {
  const { printSchema } = await import("graphql");
  console.log(printSchema(await pgl.getSchema()));
}
server.listen(Number(process.env.PORT), "127.0.0.1", () => console.log("up"));
