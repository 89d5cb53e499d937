/// What is asked of the graph beside the replica: what no row holds, and what only the server can find or do.
import { graphql } from './graph'

export const ViewerEmail = graphql(`
  query ViewerEmail {
    viewer {
      email
    }
  }
`)

/** The address of a file, which holds for five minutes. */
export const FileAddress = graphql(`
  query FileAddress($id: ID!) {
    node(id: $id) {
      __typename
      ... on Attachment {
        url
      }
    }
  }
`)

/** What is read again when it changes, since no change carries it whole. */
export const TaskHistory = graphql(`
  query TaskHistory($id: ID!) {
    task(id: $id) {
      id
      viewerIsWatching
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
export const DocumentOpened = graphql(`
  query DocumentOpened($id: ID!) {
    document(id: $id) {
      id
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
    }
  }
`)

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

/** Rules stand in no row, so this is not queued. */
export const TaskRecur = graphql(`
  mutation TaskRecur($input: TaskUpdateInput!) {
    result: taskUpdate(input: $input) {
      errors {
        code
        message
      }
    }
  }
`)

/** Where the log is now. */
export const LogCursor = graphql(`
  query LogCursor {
    changes(first: 1) {
      cursor
    }
  }
`)

/** What followed a cursor, with the mutations that caused it. */
export const ChangesAfter = graphql(`
  query ChangesAfter($after: SyncCursor!) {
    changes(after: $after, first: 100) {
      nodes {
        id
        clientMutationId
      }
    }
  }
`)
