// Finds what a person would find: visible elements by role and accessible name, or by text.
const clean = (text) => (text || '').replace(/\s+/g, ' ').trim();
const isShown = (element) => element.checkVisibility({visibilityProperty: true, opacityProperty: true});
const ROLES = {
    button: 'button, input[type=submit], input[type=button], [role=button]',
    link: 'a[href], [role=link]',
    textbox: 'input:not([type]), input[type=text], input[type=search], input[type=password], input[type=email], input[type=date], input[type=datetime-local], input[type=number], textarea',
    checkbox: 'input[type=checkbox]',
    radio: 'input[type=radio]',
    slot: 'fieldset.slots label',
    combobox: 'select',
    heading: 'h1, h2, h3, h4, h5, h6',
    disclosure: 'summary',
    row: 'tr, [role=row]',
    item: 'li',
    img: 'img, svg[role=img], [role=img]',
    status: '[role=status], [role=alert]',
    progressbar: 'progress, [role=progressbar]',
};
const nameOf = (element) => {
    const by = element.getAttribute('aria-labelledby');
    if (by) return clean(by.split(/\s+/).map((id) => document.getElementById(id)?.textContent).join(' '));
    const label = clean(element.getAttribute('aria-label'));
    if (label) return label;
    if (element.labels && element.labels.length) return clean([...element.labels].map((one) => one.textContent).join(' '));
    if (element.matches('input[type=submit], input[type=button]')) return clean(element.value);
    if (element.matches('img')) return clean(element.alt);
    // The words alone, without what is hidden from a reader of the screen.
    const words = (node) => node.nodeType === 3 ? node.data
        : node.nodeType !== 1 || node.getAttribute('aria-hidden') === 'true' ? ''
        : node.matches('svg, img') ? node.getAttribute('aria-label') || node.getAttribute('alt') || node.querySelector('title')?.textContent || ''
        : [...node.childNodes].map(words).join(' ');
    return clean(words(element)) || clean(element.title);
};
