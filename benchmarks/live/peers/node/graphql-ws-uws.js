// graphql-ws over uWebSockets, with graphql-redis-subscriptions. Environment: PORT, VALKEY_PORT, CHANNEL. Nobody's token is looked at.

import uWS from "@trufflesuite/uws-js-unofficial";
import { makeBehavior } from "graphql-ws/use/uWebSockets";

import { schema } from "./schema.js";

uWS.App().ws("/graphql", makeBehavior({ schema })).listen("127.0.0.1", Number(process.env.PORT), () => {});
