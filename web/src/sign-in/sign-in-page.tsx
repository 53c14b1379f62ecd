import { useState, type SubmitEvent } from 'react';
import { Link } from 'wouter';
import { ParleyError } from '@parley/client';
import { useSession } from '@parley/client/react';
import { useText } from '../i18n/language.js';
import { readServerFacts } from '../shell/server-facts.js';
import { ErrorText, useWait } from '../ui/error-text.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { useCountdown } from '../ui/use-countdown.js';
import { Entrance } from './entrance.js';

/** The pages to sign in and to create an account. */
export function SignInPage({ isNew }: { isNew: boolean }) {
  const t = useText();
  const { session } = useSession();
  const [values, setValues] = useState({ email: '', password: '', name: '' });
  const [error, setError] = useState<unknown>(undefined);
  const [isSending, setSending] = useState(false);
  const remaining = useCountdown(useWait(error));
  const mistakes = readMistakes(error, t);

  const bind = (name: keyof typeof values) => ({
    name,
    value: values[name],
    mistake: mistakes[name],
    onChange: (event: { target: { value: string } }) => setValues({ ...values, [name]: event.target.value }),
  });
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setSending(true);
    setError(undefined);
    const { email, password, name } = values;
    try {
      if (isNew) await session.register({ email, password, name: name.trim() || null });
      else await session.signIn({ email, password });
    } catch (failure) {
      setError(failure);
      setSending(false);
    }
  };

  return (
    <Entrance title={isNew ? t.signUpTitle : t.signInTitle}>
      <form key={String(isNew)} noValidate onSubmit={(event) => void submit(event)}>
        {isNew && <Field {...bind('name')} label={`${t.name} (${t.optional})`} autoComplete="name" />}
        <Field {...bind('email')} label={t.email} type="email" autoComplete="username" inputMode="email" />
        <Field
          {...bind('password')}
          label={t.password}
          type="password"
          hint={isNew ? t.passwordHint : undefined}
          autoComplete={isNew ? 'new-password' : 'current-password'}
        />
        {error !== undefined && (
          <FormError error={error} isNew={isNew} hasMistakes={Object.keys(mistakes).length > 0} />
        )}
        <button type="submit" className="button primary" disabled={isSending || remaining > 0}>
          {isSending && <span className="spinner" />}
          {isNew ? t.signUp : t.signIn}
        </button>
      </form>
      <p className="entrance-other">
        {isNew ? t.hasAccount : t.noAccount}{' '}
        <Link href={isNew ? '/sign-in' : '/sign-up'} onClick={() => setError(undefined)}>
          {isNew ? t.signIn : t.signUp}
        </Link>
      </p>
      {!isNew && readServerFacts().mail && (
        <p className="entrance-other">
          <Link href="/forgot-password">{t.forgotPassword}</Link>
        </p>
      )}
    </Entrance>
  );
}

/** The mistakes of single fields are shown beside these. */
function FormError({ error, isNew, hasMistakes }: { error: unknown; isNew: boolean; hasMistakes: boolean }) {
  const t = useText();
  if (hasMistakes) return null;
  if (error instanceof ParleyError && error.code === 'UNAUTHENTICATED' && !isNew)
    return <Notice>{t.wrongCredentials}</Notice>;
  return <ErrorText error={error} />;
}

function readMistakes(error: unknown, t: ReturnType<typeof useText>): Record<string, string> {
  if (!(error instanceof ParleyError)) return {};
  return error.code === 'EMAIL_TAKEN' ? { email: t.emailTaken } : { ...error.fields };
}
