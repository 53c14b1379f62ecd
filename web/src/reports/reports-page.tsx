import { useState } from 'react';
import { ParleyError, SalesReportDocument, UsageDetailsDocument } from '@parley/client';
import { useSession } from '@parley/client/react';
import { useText } from '../i18n/language.js';
import { ErrorText } from '../ui/error-text.js';
import { Page, Section } from '../ui/page.js';
import { useFormat } from '../ui/use-format.js';
import { useQuery } from '../ui/use-query.js';
import { AccountsSection } from './accounts.js';
import { Bars } from './bars.js';
import { DailyChart } from './daily-chart.js';
import { Figure } from './figure.js';
import { HealthSection } from './health.js';
import './reports.css';

const RANGES = [7, 30, 90] as const;
const DAY_MS = 86_400_000;
const STATUSES = ['EXPLORING', 'INTERESTED', 'NEGOTIATING', 'CLOSED', 'LOST'] as const;

/** What the conversations of all users add up to, for administrators. */
export default function ReportsPage() {
  const t = useText();
  const format = useFormat();
  const { session } = useSession();
  const [days, setDays] = useState<(typeof RANGES)[number]>(30);
  const [today] = useState(() => Math.floor(Date.now() / DAY_MS) * DAY_MS);
  const range = {
    scope: 'EVERYONE' as const,
    from: new Date(today - (days - 1) * DAY_MS).toISOString(),
    to: new Date(today + DAY_MS).toISOString(),
  };
  const sales = useQuery(`sales ${days}`, async () => (await session.request(SalesReportDocument, range)).salesReport);
  const usage = useQuery(`usage ${days}`, async () => (await session.request(UsageDetailsDocument, range)).usage);
  const error = sales.error ?? usage.error;
  const allDays = Array.from({ length: days }, (_, i) =>
    new Date(today - (days - 1 - i) * DAY_MS).toISOString().slice(0, 10),
  );
  const report = sales.data;

  if (error instanceof ParleyError && error.code === 'FORBIDDEN')
    return (
      <Page title={t.reports}>
        <ErrorText error={error} />
      </Page>
    );
  return (
    <Page title={t.reports} text={t.reportsText}>
      <div className="ranges" role="group" aria-label={t.range}>
        {RANGES.map((count) => (
          <button
            key={count}
            type="button"
            className="button small"
            aria-pressed={count === days}
            onClick={() => setDays(count)}
          >
            {t.ranges[count]}
          </button>
        ))}
      </div>
      {error !== undefined && <ErrorText error={error} />}
      {report && usage.data && (
        <>
          <div className="figures">
            <Figure label={t.conversationsCount} value={format.number(report.conversations)} />
            <Figure
              label={t.winRate}
              value={report.winRate === null || report.winRate === undefined ? '–' : format.percent(report.winRate)}
              text={t.winRateText}
            />
            <Figure label={t.unverifiedCount} value={format.number(report.unverifiedClaims)} />
            <Figure label={t.answersCount} value={format.number(usage.data.answers)} />
            <Figure label={t.tokensCount} value={format.number(usage.data.usage.totalTokens)} />
          </div>
          <Section title={t.byStatus}>
            <Bars
              rows={report.byStatus.map(({ status, count }) => ({
                key: status,
                label: t.saleStatuses[status],
                value: count,
                status,
              }))}
            />
          </Section>
          <Section title={t.daily}>
            <DailyChart
              label={t.daily}
              days={allDays}
              series={STATUSES.map((status) => ({
                key: status,
                label: t.saleStatuses[status],
                values: new Map(
                  report.daily.map(({ day, byStatus }) => [
                    day,
                    byStatus.find((entry) => entry.status === status)?.count ?? 0,
                  ]),
                ),
              }))}
            />
          </Section>
          <Section title={t.topInterests}>
            <Bars rows={toRows(report.topInterests)} />
          </Section>
          <Section title={t.topOffered}>
            <Bars rows={toRows(report.topOfferedProducts)} />
          </Section>
          <Section title={t.topRejected}>
            <Bars rows={toRows(report.topRejectedProducts)} />
          </Section>
          <Section title={t.topShown}>
            <Bars
              rows={report.topShownProducts.map(({ sku, title, count }) => ({ key: sku, label: title, value: count }))}
            />
          </Section>
          <Section title={t.usageByDay}>
            <DailyChart
              label={t.usageByDay}
              days={allDays}
              series={[
                {
                  key: 'TOKENS',
                  label: t.tokensCount,
                  values: new Map(usage.data.daily.map(({ day, usage: { totalTokens } }) => [day, totalTokens])),
                },
              ]}
            />
          </Section>
          <Section title={t.usageByUser}>
            <Bars
              rows={usage.data.byUser.map(({ user, usage: { totalTokens } }) => ({
                key: user.id,
                label: user.name ?? user.email ?? t.guest,
                value: totalTokens,
              }))}
            />
          </Section>
        </>
      )}
      <AccountsSection />
      <HealthSection />
    </Page>
  );
}

const toRows = (terms: readonly { term: string; count: number }[]) =>
  terms.map(({ term, count }) => ({ key: term, label: term, value: count }));
