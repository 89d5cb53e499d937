// Package graph is the part of our graph that is measured: what gqlgen makes of the schema, and its resolvers.
package graph

import (
	"context"

	"peer/rows"
)

type Resolver struct{}

func (r *Resolver) Query() QueryResolver       { return query{} }
func (r *Resolver) Mutation() MutationResolver { return mutation{} }
func (r *Resolver) Task() TaskResolver         { return task{} }
func (r *Resolver) Comment() CommentResolver   { return comment{} }
func (r *Resolver) Project() ProjectResolver   { return project{} }
func (r *Resolver) Team() TeamResolver         { return team{} }

type query struct{}

func (query) Task(ctx context.Context, id string) (*rows.Task, error) { return rows.Of(ctx).Task(ctx, id) }

func (query) Project(ctx context.Context, id string) (*rows.Project, error) {
	return rows.Of(ctx).Project(ctx, id)
}

func (query) Team(ctx context.Context, id string) (*rows.Team, error) { return rows.Of(ctx).Team(ctx, id) }

type mutation struct{}

func (mutation) TaskUpdate(ctx context.Context, input TaskUpdateInput) (*TaskPayload, error) {
	updated, err := rows.Of(ctx).UpdateTask(ctx, input.ID, input.Title, input.Status)
	if err != nil {
		return nil, err
	}
	if updated == nil {
		return &TaskPayload{Errors: []*UserError{{Code: "NOT_FOUND", Message: "There is no such task."}}}, nil
	}
	return &TaskPayload{Task: updated, Errors: []*UserError{}}, nil
}

type task struct{}

func (task) Assignee(ctx context.Context, parent *rows.Task) (*rows.User, error) {
	return rows.Of(ctx).Assignee(ctx, parent)
}

func (task) Project(ctx context.Context, parent *rows.Task) (*rows.Project, error) {
	return rows.Of(ctx).ProjectOf(ctx, parent)
}

func (task) Comments(ctx context.Context, parent *rows.Task, first int32) (*CommentList, error) {
	nodes, err := rows.Of(ctx).CommentsOf(ctx, parent, first)
	return &CommentList{Nodes: nodes}, err
}

type comment struct{}

func (comment) Author(ctx context.Context, parent *rows.Comment) (*rows.User, error) {
	return rows.Of(ctx).Author(ctx, parent)
}

type project struct{}

func (project) Tasks(ctx context.Context, parent *rows.Project, first int32) (*TaskList, error) {
	nodes, err := rows.Of(ctx).TasksOf(ctx, parent, first)
	return &TaskList{Nodes: nodes}, err
}

type team struct{}

func (team) Members(ctx context.Context, parent *rows.Team, first int32) (*UserList, error) {
	nodes, err := rows.Of(ctx).MembersOf(ctx, parent, first)
	return &UserList{Nodes: nodes}, err
}

func (team) Projects(ctx context.Context, parent *rows.Team, first int32) (*ProjectList, error) {
	nodes, err := rows.Of(ctx).ProjectsOf(ctx, parent, first)
	return &ProjectList{Nodes: nodes}, err
}
