import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './style.css';
import { GraphiQL } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { fetcher } from './fetcher';
import { Footer } from './footer';
import { TabMenu } from './tab-menu';
import { tabsToOpen } from './tabs';

createRoot(document.getElementById('root')).render(
  <GraphiQL {...tabsToOpen()} fetcher={fetcher} defaultEditorToolsVisibility="variables" shouldPersistHeaders={false}>
    <GraphiQL.Logo>
      <TabMenu />
    </GraphiQL.Logo>
    <GraphiQL.Footer>
      <Footer />
    </GraphiQL.Footer>
  </GraphiQL>,
);
