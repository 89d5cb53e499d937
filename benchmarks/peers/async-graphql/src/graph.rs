//! The part of our graph that is measured: the same fields, with plain UUIDs for ids.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject, dataloader::DataLoader};
use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use crate::rows::{Comment, CommentsOf, MembersOf, Project, ProjectId, ProjectsOf, Rows, Task, TasksOf, Team, User, UserId};

fn rows<'a>(context: &Context<'a>) -> &'a DataLoader<Rows> {
    context.data_unchecked()
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

#[derive(Clone, Copy, PartialEq, Eq, Enum)]
enum TaskStatus {
    Backlog,
    Todo,
    InProgress,
    InReview,
    Done,
    Canceled,
}

const STATUSES: [(TaskStatus, &str); 6] = [
    (TaskStatus::Backlog, "BACKLOG"),
    (TaskStatus::Todo, "TODO"),
    (TaskStatus::InProgress, "IN_PROGRESS"),
    (TaskStatus::InReview, "IN_REVIEW"),
    (TaskStatus::Done, "DONE"),
    (TaskStatus::Canceled, "CANCELED"),
];

#[Object]
impl User {
    async fn id(&self) -> ID {
        self.id.into()
    }

    async fn first_name(&self) -> &str {
        &self.first_name
    }

    async fn last_name(&self) -> &str {
        &self.last_name
    }
}

#[Object]
impl Comment {
    async fn id(&self) -> ID {
        self.id.into()
    }

    async fn body(&self) -> &str {
        &self.body
    }

    async fn created_at(&self) -> String {
        instant(self.created_at)
    }

    async fn author(&self, context: &Context<'_>) -> Result<Option<User>> {
        user(context, self.author_user_id).await
    }
}

#[Object]
impl Task {
    async fn id(&self) -> ID {
        self.id.into()
    }

    async fn key(&self) -> &str {
        &self.key
    }

    async fn title(&self) -> &str {
        &self.title
    }

    async fn status(&self) -> Result<TaskStatus> {
        let known = STATUSES.iter().find(|(_, name)| *name == self.status);
        known.map(|(status, _)| *status).ok_or_else(|| "an unknown status".into())
    }

    async fn priority(&self) -> &str {
        &self.priority
    }

    async fn due_on(&self) -> Option<String> {
        self.due_on.map(|day| day.to_string())
    }

    async fn version(&self) -> i32 {
        self.version
    }

    async fn updated_at(&self) -> String {
        instant(self.updated_at)
    }

    async fn assignee(&self, context: &Context<'_>) -> Result<Option<User>> {
        user(context, self.assignee_user_id).await
    }

    async fn project(&self, context: &Context<'_>) -> Result<Project> {
        rows(context).load_one(ProjectId(self.project_id)).await?.ok_or_else(|| "no project".into())
    }

    async fn comments(&self, context: &Context<'_>, first: i32) -> Result<CommentList> {
        let nodes = rows(context).load_one(CommentsOf(self.id, first)).await?.unwrap_or_default();
        Ok(CommentList { nodes })
    }
}

#[Object]
impl Project {
    async fn id(&self) -> ID {
        self.id.into()
    }

    async fn name(&self) -> &str {
        &self.name
    }

    async fn status(&self) -> &str {
        &self.status
    }

    async fn tasks(&self, context: &Context<'_>, first: i32) -> Result<TaskList> {
        Ok(TaskList { nodes: rows(context).load_one(TasksOf(self.id, first)).await?.unwrap_or_default() })
    }
}

#[Object]
impl Team {
    async fn id(&self) -> ID {
        self.id.into()
    }

    async fn name(&self) -> &str {
        &self.name
    }

    async fn key(&self) -> &str {
        &self.key
    }

    async fn members(&self, context: &Context<'_>, first: i32) -> Result<UserList> {
        Ok(UserList { nodes: rows(context).load_one(MembersOf(self.id, first)).await?.unwrap_or_default() })
    }

    async fn projects(&self, context: &Context<'_>, first: i32) -> Result<ProjectList> {
        Ok(ProjectList { nodes: rows(context).load_one(ProjectsOf(self.id, first)).await?.unwrap_or_default() })
    }
}

#[derive(SimpleObject)]
struct UserList {
    nodes: Vec<User>,
}

#[derive(SimpleObject)]
struct CommentList {
    nodes: Vec<Comment>,
}

#[derive(SimpleObject)]
struct TaskList {
    nodes: Vec<Task>,
}

#[derive(SimpleObject)]
struct ProjectList {
    nodes: Vec<Project>,
}

#[derive(SimpleObject)]
struct UserError {
    code: String,
    message: String,
}

#[derive(SimpleObject)]
struct TaskPayload {
    task: Option<Task>,
    errors: Vec<UserError>,
}

#[derive(InputObject)]
struct TaskUpdateInput {
    id: ID,
    title: String,
    status: TaskStatus,
}

pub struct Query;

#[Object]
impl Query {
    async fn task(&self, context: &Context<'_>, id: ID) -> Result<Option<Task>> {
        Ok(rows(context).loader().task(id.parse()?).await?)
    }

    async fn project(&self, context: &Context<'_>, id: ID) -> Result<Option<Project>> {
        Ok(rows(context).loader().project(id.parse()?).await?)
    }

    async fn team(&self, context: &Context<'_>, id: ID) -> Result<Option<Team>> {
        Ok(rows(context).loader().team(id.parse()?).await?)
    }
}

pub struct Mutation;

#[Object]
impl Mutation {
    async fn task_update(&self, context: &Context<'_>, input: TaskUpdateInput) -> Result<Option<TaskPayload>> {
        let (_, status) = STATUSES.into_iter().find(|(status, _)| *status == input.status).ok_or("an unknown status")?;
        let task = rows(context).loader().update_task(input.id.parse()?, &input.title, status).await?;
        let missing = || UserError { code: "NOT_FOUND".into(), message: "There is no such task.".into() };
        let errors = if task.is_some() { Vec::new() } else { vec![missing()] };
        Ok(Some(TaskPayload { task, errors }))
    }
}

async fn user(context: &Context<'_>, id: Option<Uuid>) -> Result<Option<User>> {
    match id {
        Some(id) => Ok(rows(context).load_one(UserId(id)).await?),
        None => Ok(None),
    }
}
