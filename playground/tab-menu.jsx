import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect } from 'react';

/** A menu of all tabs, because only a few fit the window. */
export function TabMenu() {
  const { changeTab } = useGraphiQLActions();
  const { tabs, activeTabIndex } = useGraphiQL(pick('tabs', 'activeTabIndex'));
  useEffect(() => {
    document.getElementById(`graphiql-session-tab-${activeTabIndex}`)?.scrollIntoView({ block: 'nearest' });
  }, [activeTabIndex]);
  return (
    <select
      className="parley-menu"
      aria-label="All tabs"
      value={activeTabIndex}
      onChange={(event) => changeTab(Number(event.target.value))}
    >
      {tabs.map(({ id, title }, index) => (
        <option key={id} value={index}>
          {title}
        </option>
      ))}
    </select>
  );
}
