/// What lists and live changes select of each type. People, labels and projects are in collections of their own, so rows name them by id.
import { graphql, type ResultOf } from './graph'

export const TaskRow = graphql(`
  fragment TaskRow on Task {
    id
    version
    key
    title
    status
    priority
    dueOn
    rank
    isBlocked
    threadCount
    deletedAt
    project {
      id
    }
    parent {
      id
    }
    assignee {
      id
    }
    labels(first: 4) {
      nodes {
        id
      }
    }
    subtaskProgress {
      total
      done
    }
  }
`)

export const CommentRow = graphql(`
  fragment CommentRow on Comment {
    id
    version
    body
    createdAt
    editedAt
    resolvedAt
    subject {
      id
    }
    parent {
      id
    }
    author {
      id
      displayName
    }
    reactions {
      emoji
      count
      viewerReacted
    }
    attachments(first: 4) {
      nodes {
        id
        fileName
        contentType
        byteSize
        url
      }
    }
  }
`)

/** A comment of a thread that is read with others: what is the same for all of them is left out, since every field costs. */
export const ThreadComment = graphql(`
  fragment ThreadComment on Comment {
    id
    version
    body
    createdAt
    editedAt
    resolvedAt
    author {
      id
      displayName
    }
    reactions {
      emoji
      count
      viewerReacted
    }
  }
`)

/** A page of threads with the first of their replies. */
export const Threads = graphql(
  `
    fragment Threads on CommentConnection {
      nodes {
        ...ThreadComment
        attachments(first: 2) {
          nodes {
            id
            fileName
            contentType
            byteSize
            url
          }
        }
        replies(first: 4) {
          nodes {
            ...ThreadComment
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  `,
  [ThreadComment],
)

export const DocumentRow = graphql(`
  fragment DocumentRow on Document {
    id
    version
    title
    type
    rank
    preview
    updatedAt
    deletedAt
    viewerCan
    project {
      id
    }
    parent {
      id
    }
  }
`)

export const ProjectRow = graphql(`
  fragment ProjectRow on Project {
    id
    version
    name
    projectStatus: status
    visibility
    viewerCan
    team {
      id
    }
  }
`)

export const NotificationRow = graphql(`
  fragment NotificationRow on Notification {
    id
    reason
    title
    body
    eventCount
    createdAt
    readAt
    archivedAt
    actor {
      id
      displayName
    }
    subject {
      __typename
      id
      ... on Task {
        key
      }
      ... on Comment {
        subject {
          __typename
          id
          ... on Task {
            key
          }
        }
      }
    }
  }
`)

export type TaskRowData = ResultOf<typeof TaskRow>
export type CommentRowData = ResultOf<typeof CommentRow>
export type ThreadCommentData = ResultOf<typeof ThreadComment>
export type ThreadsData = ResultOf<typeof Threads>
export type DocumentRowData = ResultOf<typeof DocumentRow>
export type ProjectRowData = ResultOf<typeof ProjectRow>
export type NotificationRowData = ResultOf<typeof NotificationRow>
