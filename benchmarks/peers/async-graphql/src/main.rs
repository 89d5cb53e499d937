//! async-graphql on axum over PantheraHive's tables, with sqlx and dataloaders, and with rights in SQL.
//!
//! Environment: PORT, PEER_ISSUER, HIVE_SECRET_KEY, and libpq's PGHOST, …

mod graph;
mod rows;
mod tokens;

use std::{env, sync::Arc, time::Duration};

use async_graphql::{EmptySubscription, Schema, dataloader::DataLoader};
use async_graphql_axum::{GraphQLRequest, GraphQLResponse};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    routing::post,
};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use crate::{
    graph::{Mutation, Query},
    rows::Rows,
    tokens::Tokens,
};

struct Server {
    schema: Schema<Query, Mutation, EmptySubscription>,
    tokens: Tokens,
    pool: PgPool,
}

async fn answer(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    request: GraphQLRequest,
) -> Result<GraphQLResponse, StatusCode> {
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let viewer = server.tokens.authenticate(&server.pool, authorization).await.ok_or(StatusCode::UNAUTHORIZED)?;
    // What waits for nothing leaves in the next turn of the loop, not after a pause.
    let rows = DataLoader::new(Rows { pool: server.pool.clone(), viewer }, tokio::spawn).delay(Duration::ZERO);
    Ok(server.schema.execute(request.into_inner().data(rows)).await.into())
}

// The server has one core, and so one thread.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = PgConnectOptions::new().options([("timezone", "UTC"), ("jit", "off")]);
    let pool = PgPoolOptions::new().max_connections(10).test_before_acquire(false).connect_with(options).await?;
    let tokens = Tokens::load(&pool, env::var("PEER_ISSUER")?, env::var("HIVE_SECRET_KEY")?.as_bytes()).await?;
    let schema = Schema::build(Query, Mutation, EmptySubscription).limit_depth(10).finish();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", env::var("PORT")?.parse()?)).await?;
    let app = Router::new().route("/graphql", post(answer)).with_state(Arc::new(Server { schema, tokens, pool }));
    axum::serve(axum::serve::ListenerExt::tap_io(listener, |connection| drop(connection.set_nodelay(true))), app).await?;
    Ok(())
}
