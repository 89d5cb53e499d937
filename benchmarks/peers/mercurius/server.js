// Fastify and Mercurius with jit and loaders over PantheraHive's tables, with rights in SQL.
//
// Environment: PORT, PEER_ISSUER, HIVE_SECRET_KEY, PEER_EVENTS=yes to write a task's event in the transaction that updates it, and libpq's PGHOST, …

import Fastify from "fastify";
import mercurius from "mercurius";
import pg from "pg";

import { tokens } from "../tokens.mjs";
import { loaders, resolvers, schema } from "./graph.js";

// Days and instants stay text: as clients get them, without a Date in between.
pg.types.setTypeParser(pg.types.builtins.DATE, (text) => text);
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => `${text.slice(0, 10)}T${text.slice(11, -3)}Z`);

const pool = new pg.Pool({ max: 10, options: "-c timezone=UTC -c jit=off" });
const authenticate = await tokens(pool, process.env.PEER_ISSUER);

const app = Fastify({ logger: false });
app.register(mercurius, {
  schema,
  resolvers: resolvers({ events: process.env.PEER_EVENTS === "yes" }),
  loaders,
  jit: 1,
  queryDepth: 10,
  async context(request) {
    const { userId } = await authenticate(request.headers.authorization);
    return { viewer: userId, pool };
  },
});
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
console.log("up");
