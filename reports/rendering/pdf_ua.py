"""What makes one file both PDF/A-3a and PDF/UA-1.

WeasyPrint writes one of the two; the other's mark goes into the metadata here. PDF/A wants a
schema described that it does not know itself: ISO 19005-3, 6.6.2.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weasyprint.document import Document

VARIANT = "pdf/a-3a"
END_OF_METADATA = b"</rdf:RDF>"
ACCESSIBLE = b"""
<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"><pdfuaid:part>1</pdfuaid:part></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/"
 xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification schema</pdfaSchema:schema>
<pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI>
<pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource">
<pdfaProperty:name>part</pdfaProperty:name>
<pdfaProperty:valueType>Integer</pdfaProperty:valueType>
<pdfaProperty:category>internal</pdfaProperty:category>
<pdfaProperty:description>Part of ISO 14289 to which the file conforms</pdfaProperty:description>
</rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
"""


def mark_accessible(_document: Document, pdf: Any) -> None:  # noqa: ANN401  # pydyf has no types
    """Add the mark of PDF/UA-1 to the metadata that WeasyPrint wrote, scopes to heads of tables, and list each attachment once."""
    metadata = pdf.objects[int(pdf.catalog["Metadata"].split()[0])]
    head, end, tail = b"".join(metadata.stream).rpartition(END_OF_METADATA)
    if not end:
        raise ValueError("the metadata of the PDF has no rdf:RDF")
    metadata.stream = [head + ACCESSIBLE + end + tail]
    element: Any
    for element in pdf.objects:
        if hasattr(element, "get") and element.get("S") == "/TH":
            # Their ids are table-row-column; each table has one row of heads.
            row = element["ID"].string.split("-")[1]
            element["A"]["Scope"] = "/Column" if row == "0" else "/Row"
    if "AF" in pdf.catalog:
        pdf.catalog["AF"] = type(pdf.catalog["AF"])(dict.fromkeys(pdf.catalog["AF"]))
