/** A number with its name. */
export function Figure({ label, value, text }: { label: string; value: string; text?: string }) {
  return (
    <div className="figure">
      <p className="figure-label">{label}</p>
      <p className="figure-value">{value}</p>
      {text && <p className="figure-text">{text}</p>}
    </div>
  );
}
