/// The application's queries, mutations and subscriptions.
import { CommentRow, DocumentRow, NotificationRow, ProjectRow, TaskRow, ThreadComment, Threads } from './fragments'
import { graphql } from './graph'

/** What every screen stands on, and the cursor after which changes are followed. */
export const Start = graphql(
  `
    query Start {
      changes(first: 1) {
        cursor
      }
      viewer {
        id
        displayName
        email
      }
      notifications(first: 1) {
        unreadCount
      }
      teams(first: 20) {
        nodes {
          id
          name
          key
          viewerRole
        }
      }
      projects(first: 60, orderBy: [{ field: NAME, direction: ASC }]) {
        nodes {
          ...ProjectRow
        }
      }
    }
  `,
  [ProjectRow],
)

export const TeamMembers = graphql(`
  query TeamMembers($id: ID!, $after: String) {
    team(id: $id) {
      members(first: 100, after: $after) {
        nodes {
          id
          displayName
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
      labels(first: 60) {
        nodes {
          id
          name
          color
        }
      }
    }
  }
`)

export const LiveChanges = graphql(
  `
    subscription LiveChanges($after: SyncCursor) {
      changes(after: $after, withCaughtUp: true) {
        id
        cursor
        isCaughtUp
        kind
        type
        entityId
        clientMutationId
        fields {
          field
        }
        subject {
          __typename
          id
          ... on Task {
            threadCount
          }
        }
        entity {
          __typename
          id
          ... on Task {
            ...TaskRow
            description
          }
          ... on Comment {
            ...CommentRow
          }
          ... on Document {
            ...DocumentRow
          }
          ... on Project {
            ...ProjectRow
          }
          ... on Label {
            name
            color
          }
          ... on User {
            displayName
          }
        }
      }
    }
  `,
  [TaskRow, CommentRow, DocumentRow, ProjectRow],
)

export const MyTasks = graphql(
  `
    query MyTasks($after: String) {
      viewer {
        id
        assignedTasks(
          first: 50
          after: $after
          filter: { status: { notIn: [DONE, CANCELED] } }
          orderBy: [{ field: DUE_ON, direction: ASC }]
        ) {
          nodes {
            ...TaskRow
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  `,
  [TaskRow],
)

export const BoardTasks = graphql(
  `
    query BoardTasks($id: ID!, $after: String) {
      project(id: $id) {
        id
        tasks(
          first: 50
          after: $after
          filter: { status: { notIn: [DONE, CANCELED] } }
          orderBy: [{ field: RANK, direction: ASC }]
        ) {
          nodes {
            ...TaskRow
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  `,
  [TaskRow],
)

/** The latest that were done; older ones are found by search. */
export const DoneTasks = graphql(
  `
    query DoneTasks($id: ID!) {
      project(id: $id) {
        id
        tasks(first: 30, filter: { status: { eq: DONE } }, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {
          totalCount
          nodes {
            ...TaskRow
          }
        }
      }
    }
  `,
  [TaskRow],
)

export const ProjectDocuments = graphql(
  `
    query ProjectDocuments($id: ID!, $after: String) {
      project(id: $id) {
        id
        documents(first: 50, after: $after, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {
          nodes {
            ...DocumentRow
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  `,
  [DocumentRow],
)

export const TaskByKey = graphql(
  `
    query TaskByKey($key: String!) {
      task: taskByKey(key: $key) {
        ...TaskRow
        description
        viewerCan
        viewerIsWatching
        creator {
          id
          displayName
        }
        createdAt
        parent {
          id
          key
          title
        }
        subtasks(first: 30) {
          nodes {
            ...TaskRow
          }
        }
        comments(first: 15) {
          ...Threads
        }
      }
    }
  `,
  [TaskRow, Threads],
)

export const MoreThreads = graphql(
  `
    query MoreThreads($id: ID!, $after: String) {
      node(id: $id) {
        __typename
        ... on Discussable {
          comments(first: 15, after: $after) {
            ...Threads
          }
        }
      }
    }
  `,
  [Threads],
)

export const MoreReplies = graphql(
  `
    query MoreReplies($id: ID!, $after: String) {
      node(id: $id) {
        __typename
        ... on Comment {
          replies(first: 50, after: $after) {
            nodes {
              ...ThreadComment
            }
            pageInfo {
              hasNextPage
              endCursor
            }
          }
        }
      }
    }
  `,
  [ThreadComment],
)

/** What is read again when it changes, since no change carries it whole. */
export const TaskHistory = graphql(`
  query TaskHistory($id: ID!) {
    task(id: $id) {
      id
      activity(first: 20) {
        nodes {
          id
          kind
          createdAt
          actor {
            id
            displayName
          }
          changes {
            field
            before
            after
            references {
              id
              name
            }
          }
        }
      }
      attachments(first: 20) {
        nodes {
          id
          fileName
          contentType
          byteSize
          url
          uploader {
            id
          }
        }
      }
      recurrence
      links(first: 30) {
        nodes {
          id
          kind
          target {
            id
            key
            title
            status
          }
        }
      }
    }
  }
`)

export const TaskCreate = graphql(
  `
    mutation TaskCreate($input: TaskCreateInput!) {
      result: taskCreate(input: $input) {
        errors {
          code
          message
        }
        task {
          ...TaskRow
        }
      }
    }
  `,
  [TaskRow],
)

export const TaskMove = graphql(
  `
    mutation TaskMove($input: TaskMoveInput!) {
      result: taskMove(input: $input) {
        errors {
          code
          message
        }
        task {
          ...TaskRow
        }
      }
    }
  `,
  [TaskRow],
)

export const TaskUpdate = graphql(
  `
    mutation TaskUpdate($input: TaskUpdateInput!) {
      result: taskUpdate(input: $input) {
        errors {
          code
          message
        }
        task {
          ...TaskRow
          description
        }
      }
    }
  `,
  [TaskRow],
)

export const CommentCreate = graphql(
  `
    mutation CommentCreate($input: CommentCreateInput!) {
      result: commentCreate(input: $input) {
        errors {
          code
          message
        }
        comment {
          ...CommentRow
        }
      }
    }
  `,
  [CommentRow],
)

export const CommentReact = graphql(
  `
    mutation CommentReact($input: CommentReactInput!) {
      result: commentReact(input: $input) {
        errors {
          code
          message
        }
        comment {
          ...CommentRow
        }
      }
    }
  `,
  [CommentRow],
)

export const CommentDelete = graphql(`
  mutation CommentDelete($input: DeleteInput!) {
    result: commentDelete(input: $input) {
      errors {
        code
        message
      }
      deletedId
    }
  }
`)

export const WatchSet = graphql(`
  mutation WatchSet($input: WatchSetInput!) {
    result: watchSet(input: $input) {
      errors {
        code
        message
      }
    }
  }
`)

export const MarkSeen = graphql(`
  mutation MarkSeen($input: MarkSeenInput!) {
    result: markSeen(input: $input) {
      errors {
        code
        message
      }
    }
  }
`)

export const AttachmentDelete = graphql(`
  mutation AttachmentDelete($input: DeleteInput!) {
    result: attachmentDelete(input: $input) {
      errors {
        code
        message
      }
      deletedId
    }
  }
`)

export const Notifications = graphql(
  `
    query Notifications($after: String) {
      notifications(first: 30, after: $after) {
        unreadCount
        nodes {
          ...NotificationRow
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  `,
  [NotificationRow],
)

export const UnreadCount = graphql(`
  query UnreadCount {
    notifications(first: 1) {
      unreadCount
    }
  }
`)

export const NotificationReceived = graphql(
  `
    subscription NotificationReceived {
      notificationReceived {
        ...NotificationRow
      }
    }
  `,
  [NotificationRow],
)

export const NotificationsMark = graphql(
  `
    mutation NotificationsMark($input: NotificationsMarkInput!) {
      result: notificationsMark(input: $input) {
        errors {
          code
          message
        }
        unreadCount
        notifications {
          ...NotificationRow
        }
      }
    }
  `,
  [NotificationRow],
)

export const Search = graphql(`
  query Search($query: String!, $filter: SearchFilter) {
    search(query: $query, filter: $filter, first: 15, facets: [TYPE]) {
      totalCount
      suggestion
      facets {
        buckets {
          value
          label
          count
        }
      }
      edges {
        highlights {
          field
          fragments
        }
        node {
          __typename
          ... on User {
            id
            displayName
            email
          }
          ... on Team {
            id
            teamName: name
          }
          ... on Project {
            id
            name
            team {
              id
              name
            }
          }
          ... on Task {
            id
            key
            title
            status
            project {
              id
              name
            }
          }
          ... on Document {
            id
            title
            project {
              id
              name
            }
          }
          ... on Comment {
            id
            body
            author {
              displayName
            }
            subject {
              __typename
              id
              ... on Task {
                key
                title
              }
              ... on Document {
                title
              }
            }
          }
        }
      }
    }
  }
`)

/** `diff` and `viewerUnread` are about the last visit: they are read before this one is marked. */
export const DocumentOpened = graphql(
  `
    query DocumentOpened($id: ID!) {
      document(id: $id) {
        ...DocumentRow
        owner {
          displayName
        }
        viewerUnread {
          since
          changeCount
          commentCount
        }
        diff {
          added
          removed
          hunks {
            op
            text
            author {
              id
              displayName
            }
          }
        }
        comments(first: 15) {
          ...Threads
        }
      }
    }
  `,
  [DocumentRow, Threads],
)

export const DocumentVersions = graphql(`
  query DocumentVersions($id: ID!) {
    document(id: $id) {
      id
      versions(first: 40) {
        nodes {
          id
          number
          name
          createdAt
          createdBy {
            id
            displayName
          }
          contributors {
            displayName
          }
        }
      }
    }
  }
`)

export const VersionDiff = graphql(`
  query VersionDiff($id: ID!, $version: ID!) {
    document(id: $id) {
      id
      diff(fromVersionId: $version) {
        added
        removed
        hunks {
          op
          text
          author {
            id
            displayName
          }
        }
      }
    }
  }
`)

export const DocumentCreate = graphql(
  `
    mutation DocumentCreate($input: DocumentCreateInput!) {
      result: documentCreate(input: $input) {
        errors {
          code
          message
        }
        document {
          ...DocumentRow
        }
      }
    }
  `,
  [DocumentRow],
)

export const DocumentUpdate = graphql(
  `
    mutation DocumentUpdate($input: DocumentUpdateInput!) {
      result: documentUpdate(input: $input) {
        errors {
          code
          message
        }
        document {
          ...DocumentRow
        }
      }
    }
  `,
  [DocumentRow],
)

export const DocumentSaveVersion = graphql(`
  mutation DocumentSaveVersion($input: DocumentSaveVersionInput!) {
    result: documentSaveVersion(input: $input) {
      errors {
        code
        message
      }
    }
  }
`)

export const DocumentRestoreVersion = graphql(`
  mutation DocumentRestoreVersion($input: DocumentRestoreVersionInput!) {
    result: documentRestoreVersion(input: $input) {
      errors {
        code
        message
      }
    }
  }
`)

export const PasskeyRequest = graphql(`
  mutation PasskeyRequest {
    passkeyRequestCreate(input: {}) {
      options
      errors {
        code
        message
        path
      }
    }
  }
`)

export const SignInWithPasskey = graphql(`
  mutation SignInWithPasskey($credential: JSON!) {
    sessionCreateWithPasskey(input: { credential: $credential }) {
      tokens {
        accessToken
        refreshToken
        expiresIn
      }
      errors {
        code
        message
        path
      }
    }
  }
`)

export const CommentUpdate = graphql(
  `
    mutation CommentUpdate($input: CommentUpdateInput!) {
      result: commentUpdate(input: $input) {
        errors {
          code
          message
        }
        comment {
          ...CommentRow
        }
      }
    }
  `,
  [CommentRow],
)

export const CommentResolve = graphql(
  `
    mutation CommentResolve($input: CommentResolveInput!) {
      result: commentResolve(input: $input) {
        errors {
          code
          message
        }
        comment {
          ...CommentRow
        }
      }
    }
  `,
  [CommentRow],
)

export const DocumentMove = graphql(
  `
    mutation DocumentMove($input: DocumentMoveInput!) {
      result: documentMove(input: $input) {
        errors {
          code
          message
        }
        document {
          ...DocumentRow
        }
      }
    }
  `,
  [DocumentRow],
)

export const DocumentDelete = graphql(`
  mutation DocumentDelete($input: DeleteInput!) {
    result: documentDelete(input: $input) {
      errors {
        code
        message
      }
      deletedId
    }
  }
`)

export const Undo = graphql(`
  mutation Undo($input: UndoInput!) {
    undo(input: $input) {
      errors {
        message
      }
      change {
        id
      }
    }
  }
`)

/** Tasks that fit the words behind a #. */
export const SuggestTasks = graphql(`
  query SuggestTasks($query: String!) {
    search(query: $query, filter: { types: [TASK] }, first: 6) {
      edges {
        node {
          __typename
          ... on Task {
            id
            key
            title
          }
        }
      }
    }
  }
`)

export const TaskIdByKey = graphql(`
  query TaskIdByKey($key: String!) {
    taskByKey(key: $key) {
      id
    }
  }
`)

export const TaskLink = graphql(`
  mutation TaskLink($input: TaskLinkInput!) {
    result: taskLink(input: $input) {
      errors {
        code
        message
      }
    }
  }
`)

export const TaskUnlink = graphql(`
  mutation TaskUnlink($input: DeleteInput!) {
    result: taskUnlink(input: $input) {
      errors {
        code
        message
      }
    }
  }
`)

export const Templates = graphql(`
  query Templates($id: ID!) {
    team(id: $id) {
      templates(first: 50) {
        nodes {
          id
          name
          kind
          taskCount
        }
      }
    }
  }
`)

export const TemplateUse = graphql(`
  mutation TemplateUse($input: TemplateUseInput!) {
    result: templateUse(input: $input) {
      errors {
        code
        message
      }
      project {
        id
      }
      task {
        key
      }
    }
  }
`)

export const TemplateCreate = graphql(`
  mutation TemplateCreate($input: TemplateCreateInput!) {
    result: templateCreate(input: $input) {
      errors {
        code
        message
      }
    }
  }
`)
