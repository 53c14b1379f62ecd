interface Uri {
  path: string;
  toString(): string;
}

interface Model {
  uri: Uri;
  getValue(): string;
  setValue(text: string): void;
}

interface Complaint {
  message: string;
  severity: number;
}

interface JsonSchema {
  properties?: Record<string, { $ref?: string }>;
}

interface JsonWorker {
  doValidation(uri: string): Promise<Complaint[]>;
}

declare global {
  /** The part of the playground's editor that tests use. GraphiQL sets this variable. */
  var __MONACO: {
    MarkerSeverity: { Error: number };
    editor: { getModels(): Model[]; getModelMarkers(filter: { resource: Uri }): Complaint[] };
    languages: {
      json: {
        jsonDefaults: { diagnosticsOptions: { schemas?: { schema?: JsonSchema }[] } };
        getWorker(): Promise<(uri: Uri) => Promise<JsonWorker>>;
      };
    };
  };
}

export type ModelName = 'operation.graphql' | 'variables.json' | 'response.json';
