// The server is gqlgen on net/http over PantheraHive's tables, with pgx and dataloaders, and with rights in SQL.
//
// Environment: PORT, PEER_ISSUER, HIVE_SECRET_KEY, and libpq's PGHOST, …
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vektah/gqlparser/v2/ast"

	"peer/graph"
	"peer/rows"
	"peer/tokens"
)

func main() {
	ctx := context.Background()
	config, err := pgxpool.ParseConfig("")
	if err != nil {
		log.Fatal(err)
	}
	config.MaxConns = 10
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	config.ConnConfig.RuntimeParams["jit"] = "off"
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		log.Fatal(err)
	}
	known, err := tokens.Load(ctx, pool, os.Getenv("PEER_ISSUER"), os.Getenv("HIVE_SECRET_KEY"))
	if err != nil {
		log.Fatal(err)
	}
	server := handler.New(graph.NewExecutableSchema(graph.Config{Resolvers: &graph.Resolver{}}))
	server.AddTransport(transport.POST{})
	server.SetQueryCache(lru.New[*ast.QueryDocument](1000))
	http.HandleFunc("/graphql", func(response http.ResponseWriter, request *http.Request) {
		userID, err := known.Authenticate(request.Context(), request.Header.Get("Authorization"))
		if err != nil {
			http.Error(response, err.Error(), http.StatusUnauthorized)
			return
		}
		server.ServeHTTP(response, request.WithContext(rows.With(request.Context(), rows.As(pool, userID))))
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}
