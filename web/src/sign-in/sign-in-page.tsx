import { useState, type SubmitEvent } from 'react';
import { Link, useLocation } from 'wouter';
import { useHistoryState } from 'wouter/use-browser-location';
import { ParleyError, RequestEmailVerificationDocument } from '@parley/client';
import { useSession } from '@parley/client/react';
import { useText } from '../i18n/language.js';
import { serverFacts } from '../shell/server-facts.js';
import { CommandButton } from '../ui/command-button.js';
import { describeMistakes } from '../ui/describe-mistakes.js';
import { ErrorText, useWait } from '../ui/error-text.js';
import { Field } from '../ui/field.js';
import { Notice } from '../ui/notice.js';
import { useCountdown } from '../ui/use-countdown.js';
import { Entrance } from './entrance.js';
import { startIdentitySignIn } from './identity-sign-in.js';
import { readOrigin } from './origin.js';

const { identity, guests, registration, mail, verification } = serverFacts;

/** The pages to sign in and to create an account. A guest keeps the conversations. */
export function SignInPage({ isNew }: { isNew: boolean }) {
  const t = useText();
  const { session, user } = useSession();
  const state = useHistoryState<unknown>();
  const [, navigate] = useLocation();
  const [values, setValues] = useState({ email: '', password: '', name: '' });
  const [error, setError] = useState<unknown>(undefined);
  const [isSending, setSending] = useState(false);
  const remaining = useCountdown(useWait(error));
  const mistakes = describeMistakes(error, t);

  const bind = (name: keyof typeof values) => ({
    name,
    value: values[name],
    mistake: mistakes[name],
    onChange: (event: { target: { value: string } }) => setValues({ ...values, [name]: event.target.value }),
  });
  const startGuest = async () => {
    await session.startGuest();
    // To a guest, this page offers to sign up or in.
    navigate(readOrigin(), { replace: true });
  };
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    setSending(true);
    setError(undefined);
    const { email, password, name } = values;
    try {
      if (!isNew) await session.signIn({ email, password });
      else {
        await session.register({ email, password, name: name.trim() || null });
        // If it fails, the user sends it from the banner.
        if (verification !== 'off') void session.request(RequestEmailVerificationDocument).catch(() => {});
      }
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
      {identity && (
        <CommandButton className="button" icon="user" run={() => startIdentitySignIn(identity, readOrigin())}>
          {t.signInWith(identity.name)}
        </CommandButton>
      )}
      {guests && !user && (
        <CommandButton className="button" run={startGuest}>
          {t.tryAsGuest}
        </CommandButton>
      )}
      {registration && (
        <p className="entrance-other">
          {isNew ? t.hasAccount : t.noAccount}{' '}
          <Link href={isNew ? '/sign-in' : '/sign-up'} state={state} onClick={() => setError(undefined)}>
            {isNew ? t.signIn : t.signUp}
          </Link>
        </p>
      )}
      {user && (
        <p className="entrance-other">
          <Link href={readOrigin()}>{t.backToConversation}</Link>
        </p>
      )}
      {!isNew && mail && (
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
