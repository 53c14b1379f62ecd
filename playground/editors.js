import { pick, useGraphiQL, useMonaco } from '@graphiql/react';
import { useEffect } from 'react';

/** Wraps long lines, because the panes are narrow and the comments are instructions. */
export function useWordWrap() {
  const { queryEditor, variableEditor } = useGraphiQL(pick('queryEditor', 'variableEditor'));
  useEffect(() => {
    for (const editor of [queryEditor, variableEditor]) editor?.updateOptions({ wordWrap: 'on' });
  }, [queryEditor, variableEditor]);
}

/** Stops the editor from marking variables and input fields as missing although they have defaults. */
export function useFewerRedMarks() {
  const monaco = useMonaco((state) => state.monaco);
  useEffect(() => {
    if (!monaco) return;
    const { jsonDefaults } = monaco.languages.json;
    const set = jsonDefaults.setDiagnosticsOptions.bind(jsonDefaults);
    jsonDefaults.setDiagnosticsOptions = (options) =>
      set({ ...options, schemas: options.schemas?.map((it) => ({ ...it, schema: withoutDefaulted(it.schema) })) });
    jsonDefaults.setDiagnosticsOptions(jsonDefaults.diagnosticsOptions);
  }, [monaco]);
}

/** Requires no variables, because the editor's schema does not contain their defaults. */
function withoutDefaulted(schema) {
  const isRequired = ({ properties }, field) => properties[field].default === undefined;
  const definitions = Object.entries(schema.definitions ?? {}).map(([name, type]) => [
    name,
    { ...type, required: type.required?.filter((field) => isRequired(type, field)) },
  ]);
  return { ...schema, required: [], definitions: Object.fromEntries(definitions) };
}
