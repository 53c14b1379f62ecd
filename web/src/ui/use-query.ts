import { useEffect, useEffectEvent, useState } from 'react';

interface QueryState<T> {
  /** What `data` and `error` belong to. */
  key: string | null;
  data: T | null;
  error?: unknown;
}

/** Reads something when the page is shown, and again when the key changes. Until then the data of the last key stays. */
export function useQuery<T>(key: string, read: () => Promise<T>) {
  const [state, setState] = useState<QueryState<T>>({ key: null, data: null });
  const start = useEffectEvent(read);
  useEffect(() => {
    let isCurrent = true;
    start().then(
      (data) => isCurrent && setState({ key, data }),
      (error: unknown) => isCurrent && setState((last) => ({ ...last, key, error })),
    );
    return () => {
      isCurrent = false;
    };
  }, [key]);
  return { ...state, isLoading: state.key !== key };
}
