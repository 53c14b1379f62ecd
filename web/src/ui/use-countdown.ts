import { useEffect, useState } from 'react';

/** Returns the seconds that remain of a wait, which begins again when `wait` is another object. */
export function useCountdown(wait: { seconds: number } | null): number {
  const [state, setState] = useState({ wait, remaining: wait?.seconds ?? 0 });
  if (state.wait !== wait) setState({ wait, remaining: wait?.seconds ?? 0 });
  useEffect(() => {
    if (!wait) return;
    const end = performance.now() + wait.seconds * 1_000;
    const timer = setInterval(() => {
      const remaining = Math.max(0, Math.ceil((end - performance.now()) / 1_000));
      setState({ wait, remaining });
      if (remaining === 0) clearInterval(timer);
    }, 1_000);
    return () => clearInterval(timer);
  }, [wait]);
  return Math.ceil(state.remaining);
}
