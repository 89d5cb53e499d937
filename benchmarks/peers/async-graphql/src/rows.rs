//! The SQL of the peer: prepared statements with the rules of persistence/access.py in them, one for each relation.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use async_graphql::dataloader::Loader;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{FromRow, PgPool, Row, postgres::PgRow};
use uuid::Uuid;

pub type Failed = Arc<sqlx::Error>;

#[derive(Clone, FromRow)]
pub struct User {
    pub id: Uuid,
    pub first_name: String,
    pub last_name: String,
}

#[derive(Clone, FromRow)]
pub struct Comment {
    pub id: Uuid,
    pub body: String,
    pub created_at: DateTime<Utc>,
    pub author_user_id: Option<Uuid>,
}

#[derive(Clone, FromRow)]
pub struct Task {
    pub id: Uuid,
    pub key: String,
    pub title: String,
    pub status: String,
    pub priority: String,
    pub due_on: Option<NaiveDate>,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
    pub assignee_user_id: Option<Uuid>,
    pub project_id: Uuid,
}

#[derive(Clone, FromRow)]
pub struct Project {
    pub id: Uuid,
    pub name: String,
    pub status: String,
}

#[derive(Clone, FromRow)]
pub struct Team {
    pub id: Uuid,
    pub name: String,
    pub key: String,
}

macro_rules! member {
    ($team:literal) => {
        concat!("EXISTS (SELECT 1 FROM team_members sm WHERE sm.team_id = ", $team, " AND sm.user_id = $1)")
    };
}

macro_rules! seen {
    ($project:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM projects sp JOIN team_members sm ON sm.team_id = sp.team_id WHERE sp.id = ",
            $project,
            " AND sp.deleted_at IS NULL AND sm.user_id = $1 AND ((sp.visibility = 'TEAM' AND sm.role <> 'GUEST') OR EXISTS (SELECT 1 FROM project_members own WHERE own.project_id = sp.id AND own.user_id = $1)))"
        )
    };
}

macro_rules! task {
    () => {
        "t.id, t.key, t.title, t.status::text, t.priority::text, t.due_on, t.version, t.updated_at, t.assignee_user_id, t.project_id"
    };
}

macro_rules! user {
    () => {
        "u.id, u.first_name, u.last_name"
    };
}

macro_rules! project {
    () => {
        "p.id, p.name, p.status::text"
    };
}

/// A list for each of many parents ($2), cut at $3.
macro_rules! lists {
    ($($inner:expr),+) => {
        concat!("SELECT parent.id AS parent, page.* FROM unnest($2::uuid[]) AS parent(id) CROSS JOIN LATERAL (", $($inner),+, " LIMIT $3) AS page")
    };
}

const TASK: &str = concat!("SELECT ", task!(), " FROM tasks t WHERE t.id = $2 AND ", seen!("t.project_id"));
const PROJECT: &str = concat!("SELECT ", project!(), " FROM projects p WHERE p.id = $2 AND ", seen!("p.id"));
const TEAM: &str = concat!("SELECT id, name, key FROM teams WHERE id = $2 AND ", member!("teams.id"));
const USERS: &str = concat!("SELECT ", user!(), " FROM users u WHERE u.id = ANY($1)");
const PROJECTS: &str = concat!("SELECT ", project!(), " FROM projects p WHERE p.id = ANY($2) AND ", seen!("p.id"));
const MEMBERS_OF_TEAMS: &str = lists!(
    "SELECT ", user!(), " FROM users u JOIN team_members m ON m.user_id = u.id WHERE m.team_id = parent.id AND ",
    member!("m.team_id"), " ORDER BY lower(u.first_name || ' ' || u.last_name), u.id"
);
const PROJECTS_OF_TEAMS: &str = lists!(
    "SELECT ", project!(), " FROM projects p WHERE p.team_id = parent.id AND ", seen!("p.id"), " ORDER BY lower(p.name), p.id"
);
const TASKS_OF_PROJECTS: &str = lists!(
    "SELECT ", task!(), " FROM tasks t WHERE t.project_id = parent.id AND t.deleted_at IS NULL AND ", seen!("t.project_id"),
    " ORDER BY t.rank, t.id"
);
const COMMENTS_OF_TASKS: &str = lists!(
    "SELECT c.id, c.body, c.created_at, c.author_user_id FROM comments c JOIN tasks t ON t.id = c.subject_id
    WHERE c.subject_id = parent.id AND c.parent_id IS NULL AND c.deleted_at IS NULL AND ", seen!("t.project_id"),
    " ORDER BY c.created_at, c.id"
);
const UPDATE_TASK: &str = concat!(
    "UPDATE tasks t SET title = $3, status = $4::text::task_status, version = t.version + 1, updated_at = now(),
      completed_at = CASE WHEN $4::text IN ('DONE', 'CANCELED') THEN coalesce(t.completed_at, now()) END
    FROM projects p JOIN team_members m ON m.team_id = p.team_id
    WHERE t.id = $2 AND t.deleted_at IS NULL AND p.id = t.project_id AND p.deleted_at IS NULL AND p.status <> 'ARCHIVED'
      AND m.user_id = $1 AND m.role <> 'GUEST' AND (p.visibility = 'TEAM'
        OR EXISTS (SELECT 1 FROM project_members own WHERE own.project_id = p.id AND own.user_id = $1))
    RETURNING ",
    task!()
);

/// What a viewer sees.
pub struct Rows {
    pub pool: PgPool,
    pub viewer: Uuid,
}

impl Rows {
    pub async fn task(&self, id: Uuid) -> Result<Option<Task>, sqlx::Error> {
        sqlx::query_as(TASK).bind(self.viewer).bind(id).fetch_optional(&self.pool).await
    }

    pub async fn project(&self, id: Uuid) -> Result<Option<Project>, sqlx::Error> {
        sqlx::query_as(PROJECT).bind(self.viewer).bind(id).fetch_optional(&self.pool).await
    }

    pub async fn team(&self, id: Uuid) -> Result<Option<Team>, sqlx::Error> {
        sqlx::query_as(TEAM).bind(self.viewer).bind(id).fetch_optional(&self.pool).await
    }

    /// One statement, and no event.
    pub async fn update_task(&self, id: Uuid, title: &str, status: &str) -> Result<Option<Task>, sqlx::Error> {
        sqlx::query_as(UPDATE_TASK).bind(self.viewer).bind(id).bind(title).bind(status).fetch_optional(&self.pool).await
    }

    /// A list for each parent. Parents of one level ask with the same arguments.
    async fn lists<K, T>(&self, text: &'static str, keys: &[K]) -> Result<HashMap<K, Vec<T>>, Failed>
    where
        K: ListKey,
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let (parents, first): (Vec<Uuid>, i64) = (keys.iter().map(ListKey::parent).collect(), keys[0].first().into());
        let found = sqlx::query(text).bind(self.viewer).bind(parents).bind(first).fetch_all(&self.pool).await?;
        let mut lists: HashMap<K, Vec<T>> = keys.iter().map(|key| (*key, Vec::new())).collect();
        for row in &found {
            lists.entry(keys[0].of(row.try_get("parent")?)).or_default().push(T::from_row(row)?);
        }
        Ok(lists)
    }
}

/// The key of a list: whose it is, and how long it may be.
pub trait ListKey: Copy + Eq + Hash {
    fn parent(&self) -> Uuid;
    fn first(&self) -> i32;
    fn of(&self, parent: Uuid) -> Self;
}

macro_rules! list_key {
    ($($name:ident: $text:ident -> $row:ty),+ $(,)?) => {
        $(
            #[derive(Clone, Copy, PartialEq, Eq, Hash)]
            pub struct $name(pub Uuid, pub i32);

            impl ListKey for $name {
                fn parent(&self) -> Uuid {
                    self.0
                }

                fn first(&self) -> i32 {
                    self.1
                }

                fn of(&self, parent: Uuid) -> Self {
                    Self(parent, self.1)
                }
            }

            impl Loader<$name> for Rows {
                type Value = Vec<$row>;
                type Error = Failed;

                async fn load(&self, keys: &[$name]) -> Result<HashMap<$name, Vec<$row>>, Failed> {
                    self.lists($text, keys).await
                }
            }
        )+
    };
}

list_key! {
    MembersOf: MEMBERS_OF_TEAMS -> User,
    ProjectsOf: PROJECTS_OF_TEAMS -> Project,
    TasksOf: TASKS_OF_PROJECTS -> Task,
    CommentsOf: COMMENTS_OF_TASKS -> Comment,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserId(pub Uuid);

impl Loader<UserId> for Rows {
    type Value = User;
    type Error = Failed;

    /// Names are seen with what bears them, as in our own graph.
    async fn load(&self, keys: &[UserId]) -> Result<HashMap<UserId, User>, Failed> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found: Vec<User> = sqlx::query_as(USERS).bind(ids).fetch_all(&self.pool).await?;
        Ok(found.into_iter().map(|user| (UserId(user.id), user)).collect())
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProjectId(pub Uuid);

impl Loader<ProjectId> for Rows {
    type Value = Project;
    type Error = Failed;

    async fn load(&self, keys: &[ProjectId]) -> Result<HashMap<ProjectId, Project>, Failed> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found: Vec<Project> = sqlx::query_as(PROJECTS).bind(self.viewer).bind(ids).fetch_all(&self.pool).await?;
        Ok(found.into_iter().map(|project| (ProjectId(project.id), project)).collect())
    }
}
