// Returns what is wrong with the page that is open, one text for each. Needs person.js before it.
const wrong = [];
const shown = (selector) => [...document.querySelectorAll(selector)].filter(isShown);
const sketch = (element) => `<${element.localName}${element.id ? '#' + element.id : ''}${element.classList.length ? '.' + [...element.classList].join('.') : ''}> ${JSON.stringify(clean(element.textContent).slice(0, 40))}`;
const isHidden = (element) => !!element.closest('[aria-hidden=true]');

if (!document.documentElement.lang) wrong.push('the page has no language');
if (!clean(document.title)) wrong.push('the page has no title');

// Headings.
const headings = shown('h1, h2, h3, h4, h5, h6');
const first = headings.filter((heading) => heading.localName === 'h1');
if (first.length !== 1) wrong.push(`there are ${first.length} h1`);
let level = 0;
for (const heading of headings) {
    const own = Number(heading.localName[1]);
    if (own > level + 1) wrong.push(`after h${level} comes ${sketch(heading)}`);
    level = own;
}

// Landmarks.
if (shown('main').length !== 1) wrong.push(`there are ${shown('main').length} main`);
const navs = shown('nav');
if (navs.length > 1 && navs.some((nav) => !nav.getAttribute('aria-label') && !nav.getAttribute('aria-labelledby'))) {
    wrong.push('one of several nav has no label');
}
const isAlone = !location.pathname.includes('/t/') || document.body.matches('.plain');
if (!isAlone && !navs.length) wrong.push('there is no nav');
if (!shown('header').length) wrong.push('there is no header');
const places = 'main, header, nav, footer, aside, dialog, [role=status], [role=alert]';
for (const element of shown('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && clean(node.data));
    if (own && !element.closest(places) && !element.matches('a[href^="#"]')) wrong.push(`outside of all landmarks: ${sketch(element)}`);
}

// Names.
for (const control of shown('input, select, textarea')) {
    if (['hidden', 'submit', 'button'].includes(control.type)) continue;
    const named = (control.labels && [...control.labels].some((label) => clean(label.textContent)))
        || control.getAttribute('aria-label') || control.getAttribute('aria-labelledby');
    if (!named) wrong.push(`no label: <${control.localName} name=${control.name}>`);
}
for (const element of shown('button, a[href], summary, input[type=submit]')) {
    if (!nameOf(element)) wrong.push(`no name: ${element.outerHTML.slice(0, 120)}`);
}
for (const image of shown('img')) {
    if (!image.hasAttribute('alt')) wrong.push(`no text for ${image.src}`);
}
for (const image of shown('svg')) {
    const named = image.getAttribute('aria-label') || image.getAttribute('aria-labelledby') || image.querySelector(':scope > title');
    if (!isHidden(image) && !(image.getAttribute('role') === 'img' && named)) wrong.push(`no text for ${image.outerHTML.slice(0, 100)}`);
}
for (const table of shown('table')) {
    if (!table.querySelector('th') && table.getAttribute('role') !== 'presentation') wrong.push(`no heads of columns: ${sketch(table)}`);
}
const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) wrong.push(`the id ${id} is there twice`);
for (const element of document.querySelectorAll('[aria-labelledby], [aria-describedby], [aria-controls], label[for]')) {
    for (const name of ['aria-labelledby', 'aria-describedby', 'aria-controls', 'for']) {
        for (const id of (element.getAttribute(name) || '').split(/\s+/).filter(Boolean)) {
            if (!document.getElementById(id)) wrong.push(`${name}="${id}" names nothing`);
        }
    }
}

// Width.
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth) {
    const isScrolled = (element) => element && (['auto', 'scroll', 'hidden'].includes(getComputedStyle(element).overflowX) || isScrolled(element.parentElement));
    const wide = shown('body *').filter((element) => element.getBoundingClientRect().right > root.clientWidth + 0.5 && !isScrolled(element.parentElement));
    wrong.push(`the page scrolls sideways: ${root.scrollWidth} > ${root.clientWidth}, as of ${wide.slice(0, 3).map(sketch).join(', ')}`);
}

for (const card of shown('.card, dialog, main > section, .notice')) {
    if (card.scrollWidth > card.clientWidth + 1) wrong.push(`something sticks out of ${sketch(card)}: ${card.scrollWidth} > ${card.clientWidth}`);
}

// Targets: at least 24 by 24, as WCAG 2.2 asks, unless it is a link within a text.
for (const element of shown('button, input:not([type=hidden]), select, textarea, summary, nav a')) {
    let box = element.getBoundingClientRect();
    const label = element.labels && element.labels[0];
    if (label) {
        const around = label.getBoundingClientRect();
        box = {width: Math.max(box.width, around.width), height: Math.max(box.height, around.height)};
    }
    if (box.width < 23.5 || box.height < 23.5) wrong.push(`too small to be hit (${box.width} by ${box.height}): ${sketch(element)}`);
}

// Contrast, by what is computed.
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const colours = new Map();
const colour = (text) => {
    if (!colours.has(text)) {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = '#000';
        canvas.fillStyle = text;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        colours.set(text, [r, g, b, a / 255]);
    }
    return colours.get(text);
};
const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(colour(getComputedStyle(at).backgroundColor));
    const bottom = matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
    return layers.reverse().reduce((under, layer) => over(layer, under), bottom);
};
const light = ([r, g, b]) => {
    const part = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};
const contrast = (a, b) => {
    const [brighter, darker] = [light(a), light(b)].sort((x, y) => y - x);
    return (brighter + 0.05) / (darker + 0.05);
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const pale = new Map();
while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!clean(texts.currentNode.data) || element.matches('script, style, noscript, title, option') || !isShown(element)) continue;
    if (element.closest('[disabled], [aria-disabled=true]')) continue;
    const box = document.createRange();
    box.selectNodeContents(texts.currentNode);
    const size = box.getBoundingClientRect();
    // What only a reader of the screen is told has no extent.
    if (size.width < 2 || size.height < 2 || element.closest('.visually-hidden, .sr-only')) continue;
    const style = getComputedStyle(element);
    const isDrawn = element instanceof SVGElement;
    let ink = colour(isDrawn ? style.fill : style.color);
    let veil = 1;
    for (let at = element; at; at = at.parentElement) veil *= Number(getComputedStyle(at).opacity);
    const paper = ground(element);
    ink = over([ink[0], ink[1], ink[2], ink[3] * veil], paper);
    const pixels = parseFloat(style.fontSize);
    const isLarge = pixels >= 24 || (pixels >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = contrast(ink, paper);
    if (ratio < (isLarge ? 3 : 4.5)) pale.set(sketch(element), ratio);
}
for (const [element, ratio] of pale) wrong.push(`too pale (${ratio.toFixed(2)}): ${element}`);
// The edges of fields, by which they are told from their surroundings.
for (const field of shown('input[type=text], input[type=search], input[type=password], input[type=date], select, textarea')) {
    const style = getComputedStyle(field);
    const outside = ground(field.parentElement);
    const inside = over(colour(style.backgroundColor), outside);
    const edge = over(colour(style.borderTopColor), outside);
    const isTold = contrast(inside, outside) >= 3 || (parseFloat(style.borderTopWidth) > 0 && contrast(edge, outside) >= 3);
    if (!isTold) wrong.push(`the edge of a field cannot be seen: <${field.localName} name=${field.name}>`);
}
return wrong;
