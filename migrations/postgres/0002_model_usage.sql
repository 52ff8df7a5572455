-- What language models were asked in a conversation and used, by model; costs are millionths of the prices' currency.
CREATE TABLE model_usage (
    conversation_id TEXT    NOT NULL REFERENCES conversations (id),
    model           TEXT    NOT NULL,
    calls           BIGINT NOT NULL,
    input_tokens    BIGINT NOT NULL,
    output_tokens   BIGINT NOT NULL,
    cost            BIGINT NOT NULL,
    PRIMARY KEY (conversation_id, model)
);
