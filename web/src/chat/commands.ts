/** What can be done with an answer. */
export interface AnswerCommands {
  regenerate: () => Promise<void>;
  continueAnswer: () => Promise<void>;
}

/** What can be done with a question that was not sent. */
export interface QuestionCommands {
  retry: (key: string) => Promise<void>;
  discard: (key: string) => void;
}
