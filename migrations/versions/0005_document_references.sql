CREATE TABLE document_references (
    document_id UUID NOT NULL,
    subject_id UUID NOT NULL,
    subject_type TEXT NOT NULL,
    holder_type TEXT NOT NULL,
    holder_id UUID NOT NULL,
    CONSTRAINT pk_document_references PRIMARY KEY (document_id, subject_id, holder_type, holder_id)
);

CREATE INDEX ix_document_references_holder_id ON document_references (holder_id);
