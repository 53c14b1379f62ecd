import type { ShownProductPartsFragment } from '@parley/client';
import { useText } from '../i18n/language.js';
import { useFormat } from '../ui/use-format.js';
import './product-card.css';

/** A product that an answer shows, as it was then. Pictures are left out: loading one would tell its server about the reader. */
export function ProductCard({ product }: Pick<ShownProductPartsFragment, 'product'>) {
  const t = useText();
  const format = useFormat();
  const { title, url, price, available } = product;
  return (
    <aside className="product-card" aria-label={t.product(title)} data-sku={product.sku}>
      {url ? (
        <a className="product-title" href={url} target="_blank" rel="noopener noreferrer">
          {title}
        </a>
      ) : (
        <span className="product-title">{title}</span>
      )}
      {price && <span className="product-price">{format.money(price)}</span>}
      <span className="product-availability" data-available={available}>
        {available ? t.available : t.unavailable}
      </span>
    </aside>
  );
}
