-- What language models were asked in a conversation and used, by model; costs are millionths of the prices' currency.
CREATE TABLE model_usage (
    conversation_id TEXT    NOT NULL REFERENCES conversations (id),
    model           TEXT    NOT NULL,
    calls           INTEGER NOT NULL,
    input_tokens    INTEGER NOT NULL,
    output_tokens   INTEGER NOT NULL,
    cost            INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, model)
) STRICT;
