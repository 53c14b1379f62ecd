import { useState, type SubmitEvent } from 'react';
import { useText } from '../i18n/language.js';
import { describeMistakes } from './describe-mistakes.js';

/** The values of a form, and the state of its request. */
export function useForm<Values extends Record<string, string>>(
  initial: Values,
  send: (values: Values) => Promise<unknown>,
  { isClearedAfter = false } = {},
) {
  const [values, setValues] = useState(initial);
  const [state, setState] = useState<{ kind: 'editing' | 'sending' | 'sent' | 'failed'; error?: unknown }>({
    kind: 'editing',
  });
  const t = useText();
  const mistakes = state.kind === 'failed' ? describeMistakes(state.error, t) : {};
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setState({ kind: 'sending' });
    try {
      await send(values);
      setState({ kind: 'sent' });
      if (isClearedAfter) setValues(initial);
    } catch (error) {
      setState({ kind: 'failed', error });
    }
  };
  return {
    values,
    isSending: state.kind === 'sending',
    isSent: state.kind === 'sent',
    error: state.kind === 'failed' && Object.keys(mistakes).length === 0 ? state.error : undefined,
    submit: (event: SubmitEvent) => void submit(event),
    bind: (name: keyof Values & string) => ({
      name,
      value: values[name],
      mistake: mistakes[name],
      onChange: (event: { target: { value: string } }) => {
        setValues({ ...values, [name]: event.target.value });
        if (state.kind === 'sent') setState({ kind: 'editing' });
      },
    }),
  };
}
