import { useEffect, useState } from 'react';

const readToken = (): string => new URLSearchParams(location.hash.slice(1)).get('token') ?? '';

const removeToken = (): void => history.replaceState(history.state, '', location.pathname);

/** Returns the token of the link that was opened, and removes it from the address, so that it is not shown or kept. */
export function useLinkToken(): string {
  const [token, setToken] = useState(readToken);
  useEffect(() => {
    removeToken();
    // A link that is opened in the same tab changes only the fragment.
    const take = () => {
      const next = readToken();
      if (!next) return;
      setToken(next);
      removeToken();
    };
    addEventListener('hashchange', take);
    return () => removeEventListener('hashchange', take);
  }, []);
  return token;
}
