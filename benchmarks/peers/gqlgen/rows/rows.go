// Package rows is the SQL of the peer: one prepared statement for each relation, asked for by dataloaders of one request.
package rows

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/vikstrous/dataloadgen"
)

// How long a loader gathers keys.
const wait = time.Millisecond

type User struct {
	ID, FirstName, LastName string
}

type Comment struct {
	ID, Body, CreatedAt string
	authorID            *string
}

type Task struct {
	ID, Key, Title, Status, Priority string
	DueOn                            *string
	Version                          int32
	UpdatedAt                        string
	assigneeID                       *string
	projectID                        string
}

type Project struct {
	ID, Name, Status string
}

type Team struct {
	ID, Name, Key string
}

// The key of a list: whose it is, and how long it may be.
type listKey struct {
	parent string
	first  int32
}

// Viewer is what one user sees in one request.
type Viewer struct {
	pool           *pgxpool.Pool
	id             string
	users          *dataloadgen.Loader[string, *User]
	projects       *dataloadgen.Loader[string, *Project]
	membersOfTeam  *dataloadgen.Loader[listKey, []*User]
	projectsOfTeam *dataloadgen.Loader[listKey, []*Project]
	tasksOfProject *dataloadgen.Loader[listKey, []*Task]
	commentsOfTask *dataloadgen.Loader[listKey, []*Comment]
}

// As is the view of a user, with loaders that live as long as a request.
func As(pool *pgxpool.Pool, userID string) *Viewer {
	v := &Viewer{pool: pool, id: userID}
	v.users = dataloadgen.NewLoader(func(ctx context.Context, ids []string) ([]*User, []error) {
		found, err := collect(pool, ctx, usersByIds, scanUser, ids) // names are seen with what bears them
		return named(ids, found, func(user *User) string { return user.ID }), failed(err)
	}, dataloadgen.WithWait(wait))
	v.projects = dataloadgen.NewLoader(func(ctx context.Context, ids []string) ([]*Project, []error) {
		found, err := collect(pool, ctx, projectsById, scanProject, v.id, ids)
		return named(ids, found, func(project *Project) string { return project.ID }), failed(err)
	}, dataloadgen.WithWait(wait))
	v.membersOfTeam = listLoader(v, membersOfTeams, scanUser)
	v.projectsOfTeam = listLoader(v, projectsOfTeams, scanProject)
	v.tasksOfProject = listLoader(v, tasksOfProjects, scanTask)
	v.commentsOfTask = listLoader(v, commentsOfTasks, scanComment)
	return v
}

type key struct{}

// With is a context that holds a view.
func With(ctx context.Context, v *Viewer) context.Context { return context.WithValue(ctx, key{}, v) }

// Of is the view of a context.
func Of(ctx context.Context) *Viewer { return ctx.Value(key{}).(*Viewer) }

func (v *Viewer) Task(ctx context.Context, id string) (*Task, error) {
	return one(v.pool, ctx, taskById, scanTask, v.id, id)
}

func (v *Viewer) Project(ctx context.Context, id string) (*Project, error) {
	return one(v.pool, ctx, projectById, scanProject, v.id, id)
}

func (v *Viewer) Team(ctx context.Context, id string) (*Team, error) {
	return one(v.pool, ctx, teamById, scanTeam, v.id, id)
}

// UpdateTask is one statement, and writes no event.
func (v *Viewer) UpdateTask(ctx context.Context, id, title, status string) (*Task, error) {
	return one(v.pool, ctx, updateTask, scanTask, v.id, id, title, status)
}

func (v *Viewer) Author(ctx context.Context, comment *Comment) (*User, error) {
	return v.user(ctx, comment.authorID)
}

func (v *Viewer) Assignee(ctx context.Context, task *Task) (*User, error) {
	return v.user(ctx, task.assigneeID)
}

func (v *Viewer) ProjectOf(ctx context.Context, task *Task) (*Project, error) {
	return v.projects.Load(ctx, task.projectID)
}

func (v *Viewer) MembersOf(ctx context.Context, team *Team, first int32) ([]*User, error) {
	return v.membersOfTeam.Load(ctx, listKey{team.ID, first})
}

func (v *Viewer) ProjectsOf(ctx context.Context, team *Team, first int32) ([]*Project, error) {
	return v.projectsOfTeam.Load(ctx, listKey{team.ID, first})
}

func (v *Viewer) TasksOf(ctx context.Context, project *Project, first int32) ([]*Task, error) {
	return v.tasksOfProject.Load(ctx, listKey{project.ID, first})
}

func (v *Viewer) CommentsOf(ctx context.Context, task *Task, first int32) ([]*Comment, error) {
	return v.commentsOfTask.Load(ctx, listKey{task.ID, first})
}

func (v *Viewer) user(ctx context.Context, id *string) (*User, error) {
	if id == nil {
		return nil, nil
	}
	return v.users.Load(ctx, *id)
}

// A scan reads a row, `before` into what stands in front of its own columns.
type scan[T any] func(row pgx.Row, before ...any) (*T, error)

func scanUser(row pgx.Row, before ...any) (*User, error) {
	var user User
	return &user, row.Scan(append(before, &user.ID, &user.FirstName, &user.LastName)...)
}

func scanProject(row pgx.Row, before ...any) (*Project, error) {
	var project Project
	return &project, row.Scan(append(before, &project.ID, &project.Name, &project.Status)...)
}

func scanTeam(row pgx.Row, before ...any) (*Team, error) {
	var team Team
	return &team, row.Scan(append(before, &team.ID, &team.Name, &team.Key)...)
}

func scanComment(row pgx.Row, before ...any) (*Comment, error) {
	var comment Comment
	var createdAt time.Time
	err := row.Scan(append(before, &comment.ID, &comment.Body, &createdAt, &comment.authorID)...)
	comment.CreatedAt = instant(createdAt)
	return &comment, err
}

func scanTask(row pgx.Row, before ...any) (*Task, error) {
	var task Task
	var dueOn *time.Time
	var updatedAt time.Time
	err := row.Scan(append(before, &task.ID, &task.Key, &task.Title, &task.Status, &task.Priority, &dueOn, &task.Version, &updatedAt,
		&task.assigneeID, &task.projectID)...)
	task.UpdatedAt = instant(updatedAt)
	if dueOn != nil {
		day := dueOn.Format(time.DateOnly)
		task.DueOn = &day
	}
	return &task, err
}

func instant(at time.Time) string { return at.UTC().Format(time.RFC3339Nano) }

func one[T any](pool *pgxpool.Pool, ctx context.Context, text string, read scan[T], arguments ...any) (*T, error) {
	found, err := read(pool.QueryRow(ctx, text, arguments...))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	return found, err
}

func collect[T any](pool *pgxpool.Pool, ctx context.Context, text string, read scan[T], arguments ...any) ([]*T, error) {
	rows, err := pool.Query(ctx, text, arguments...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*T, error) { return read(row) })
}

// A list for each parent. Parents of one level ask with the same arguments.
func listLoader[T any](v *Viewer, text string, read scan[T]) *dataloadgen.Loader[listKey, []*T] {
	return dataloadgen.NewLoader(func(ctx context.Context, keys []listKey) ([][]*T, []error) {
		parents, places := make([]string, len(keys)), make(map[string]int, len(keys))
		for place, key := range keys {
			parents[place], places[key.parent] = key.parent, place
		}
		lists := make([][]*T, len(keys))
		rows, err := v.pool.Query(ctx, text, v.id, parents, keys[0].first)
		if err != nil {
			return nil, failed(err)
		}
		defer rows.Close()
		for rows.Next() {
			var parent string
			found, err := read(rows, &parent)
			if err != nil {
				return nil, failed(err)
			}
			lists[places[parent]] = append(lists[places[parent]], found)
		}
		return lists, failed(rows.Err())
	}, dataloadgen.WithWait(wait))
}

func named[T any](ids []string, found []*T, id func(*T) string) []*T {
	byID := make(map[string]*T, len(found))
	for _, each := range found {
		byID[id(each)] = each
	}
	children := make([]*T, len(ids))
	for place, each := range ids {
		children[place] = byID[each]
	}
	return children
}

func failed(err error) []error {
	if err == nil {
		return nil
	}
	return []error{err}
}
