import { useConnection } from '@parley/client/react';
import { useSyncExternalStore } from 'react';
import { useText } from '../i18n/language.js';
import { Icon } from '../ui/icon.js';

/** Tells that the connection is lost, until it is there again. */
export function ConnectionState() {
  const t = useText();
  const connection = useConnection();
  const isOnline = useSyncExternalStore(subscribe, () => navigator.onLine);
  return (
    <div className="connection" role="status">
      {(connection === 'OFFLINE' || !isOnline) && (
        <p>
          {isOnline ? <span className="spinner" /> : <Icon name="offline" />}
          {isOnline ? t.reconnecting : t.offline}
        </p>
      )}
    </div>
  );
}

function subscribe(listener: () => void): () => void {
  addEventListener('online', listener);
  addEventListener('offline', listener);
  return () => {
    removeEventListener('online', listener);
    removeEventListener('offline', listener);
  };
}
