CREATE TYPE document_type AS ENUM ('TEXT', 'SPREADSHEET', 'PRESENTATION');
CREATE TABLE documents (
  id UUID NOT NULL,
  version INTEGER NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
  team_id UUID NOT NULL,
  project_id UUID NOT NULL,
  parent_id UUID,
  owner_user_id UUID NOT NULL,
  title TEXT NOT NULL,
  type document_type NOT NULL,
  rank TEXT NOT NULL,
  preview TEXT,
  latest_version_id UUID,
  latest_number INTEGER NOT NULL,
  latest_position BIGINT NOT NULL,
  deleted_at TIMESTAMP WITH TIME ZONE,
  words TEXT DEFAULT '' NOT NULL,
  CONSTRAINT pk_documents PRIMARY KEY (id),
  CONSTRAINT fk_documents_team_id FOREIGN KEY(team_id) REFERENCES teams (id),
  CONSTRAINT fk_documents_project_id FOREIGN KEY(project_id) REFERENCES projects (id),
  CONSTRAINT fk_documents_parent_id FOREIGN KEY(parent_id) REFERENCES documents (id),
  CONSTRAINT fk_documents_owner_user_id FOREIGN KEY(owner_user_id) REFERENCES users (id)
);
CREATE INDEX ix_documents_owner_user_id_created_at_id ON documents (owner_user_id, created_at, id);
CREATE INDEX ix_documents_parent_id_rank ON documents (parent_id, rank);
CREATE INDEX ix_documents_project_id_updated_at_id ON documents (project_id, updated_at, id);
CREATE UNIQUE INDEX uq_documents_project_rank ON documents (project_id, rank);
CREATE TABLE document_versions (
  id UUID NOT NULL,
  document_id UUID NOT NULL,
  number INTEGER NOT NULL,
  name TEXT,
  change_summary TEXT,
  created_by_user_id UUID,
  contributor_ids UUID[] DEFAULT '{}' NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  position BIGINT NOT NULL,
  byte_size BIGINT NOT NULL,
  crdt TEXT NOT NULL,
  markdown TEXT NOT NULL,
  text TEXT NOT NULL,
  CONSTRAINT pk_document_versions PRIMARY KEY (id),
  CONSTRAINT fk_document_versions_document_id FOREIGN KEY(document_id) REFERENCES documents (id),
  CONSTRAINT fk_document_versions_created_by_user_id FOREIGN KEY(created_by_user_id) REFERENCES users (id)
);
CREATE UNIQUE INDEX uq_document_versions_document_number ON document_versions (document_id, number);
CREATE INDEX ix_document_versions_document_id_position_number ON document_versions (document_id, position, number);
ALTER TABLE comments
  ADD COLUMN anchor_quote TEXT,
  ADD COLUMN anchor_prefix TEXT,
  ADD COLUMN anchor_suffix TEXT,
  ADD COLUMN anchor_start INTEGER;
