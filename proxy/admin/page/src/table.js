import {element} from "./elements.js";

// A table whose rows are shown anew and stay sorted as the reader chose.
//   columns: {name, value: row => what sorts, show: row => text or element (the value by default), text: true for words}
export class Table {
  constructor(into, label, columns, {sort = null, descending = true} = {}) {
    Object.assign(this, {into, label, columns, sort, descending, rows: []});
  }

  show(rows) {
    this.rows = rows;
    const focused = this.into.contains(document.activeElement) ? document.activeElement.dataset.column : undefined;
    const sorted = [...rows];
    const by = this.columns[this.sort];
    if (by) sorted.sort((a, b) => this.compare(by.value(a), by.value(b)));
    this.into.replaceChildren(...(rows.length ? [element("table", {},
      element("caption", {class: "hidden"}, this.label),
      element("thead", {}, element("tr", {}, ...this.columns.map((column, index) => this.head(column, index)))),
      element("tbody", {}, ...sorted.map(row => element("tr", {}, ...this.columns.map(column =>
        element("td", {class: column.text ? "text" : ""}, (column.show || column.value)(row)))))))] : []));
    // A region that scrolls must be reachable by the keyboard.
    const {scrollWidth, clientWidth, scrollHeight, clientHeight} = this.into;
    const scrolls = scrollWidth > clientWidth || scrollHeight > clientHeight;
    for (const [name, value] of [["tabindex", "0"], ["role", "region"], ["aria-label", this.label]])
      if (scrolls) this.into.setAttribute(name, value);
      else this.into.removeAttribute(name);
    if (focused !== undefined) this.into.querySelector(`[data-column="${focused}"]`)?.focus();
  }

  head(column, index) {
    if (this.sort === null) return element("th", {scope: "col", class: column.text ? "text" : ""}, column.name);
    const state = index !== this.sort ? "none" : this.descending ? "descending" : "ascending";
    return element("th", {scope: "col", class: column.text ? "text" : "", "aria-sort": state},
      element("button", {type: "button", "data-column": index, onclick: () => this.sortBy(index)}, column.name));
  }

  sortBy(index) {
    this.descending = index === this.sort ? !this.descending : !this.columns[index].text;
    this.sort = index;
    this.show(this.rows);
  }

  compare(a, b) {
    const order = a === b ? 0 : a === null || a === undefined ? -1 : b === null || b === undefined ? 1 : a < b ? -1 : 1;
    return this.descending ? -order : order;
  }
}
