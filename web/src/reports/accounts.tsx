import { AccountsDocument, type AccountsQuery } from '@parley/client';
import { useSession } from '@parley/client/react';
import { useState } from 'react';
import { useText } from '../i18n/language.js';
import { CommandButton } from '../ui/command-button.js';
import { ErrorText } from '../ui/error-text.js';
import { Section } from '../ui/page.js';
import { useFormat } from '../ui/use-format.js';
import { useQuery } from '../ui/use-query.js';

type AccountPage = AccountsQuery['accounts'];

const PAGE_SIZE = 25;

/** All accounts, the newest first. They are changed with commands: the page shows who there is. */
export function AccountsSection() {
  const t = useText();
  const format = useFormat();
  const { session } = useSession();
  const read = async (after: string | null) =>
    (await session.request(AccountsDocument, { first: PAGE_SIZE, after })).accounts;
  const { data, error } = useQuery('accounts', () => read(null));
  const [more, setMore] = useState<readonly AccountPage[]>([]);
  const pages = data ? [data, ...more] : [];
  const end = pages.at(-1)?.pageInfo;
  return (
    <Section title={t.accounts} text={data ? t.accountsCount(format.number(data.totalCount)) : ''}>
      {error !== undefined && <ErrorText error={error} />}
      <div className="table-scroller" tabIndex={0} role="group" aria-label={t.accounts}>
        <table className="accounts">
          <thead>
            <tr>
              <th scope="col">{t.email}</th>
              <th scope="col">{t.name}</th>
              <th scope="col">{t.role}</th>
              <th scope="col">{t.created}</th>
            </tr>
          </thead>
          <tbody>
            {pages
              .flatMap(({ nodes }) => nodes)
              .map((account) => (
                <tr key={account.id}>
                  <th scope="row">
                    {account.email ?? '–'}
                    {account.email && !account.emailVerified && <small>{t.emailUnverified}</small>}
                    {account.disabledAt && <small>{t.disabled(format.date(account.disabledAt))}</small>}
                  </th>
                  <td>{account.name ?? '–'}</td>
                  <td>{t.roles[account.role]}</td>
                  <td>{format.date(account.createdAt)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </div>
      {end?.hasNextPage && (
        <CommandButton
          className="button small"
          icon="down"
          run={async () => setMore([...more, await read(end.endCursor ?? null)])}
        >
          {t.showMore}
        </CommandButton>
      )}
    </Section>
  );
}
