<#
.SYNOPSIS
    Installs or upgrades radicale-flowfact as a Windows service. Run it again at any time: what is there stays.
.DESCRIPTION
    Makes the folder with its rights, a virtual environment, the configuration (never over one that is there) and,
    where WinSW is given or already there, the service. Needs Python 3.11 or newer, installed for all users, and a
    PowerShell started as administrator. The steps one by one: docs/en/install-windows.md, docs/de/install-windows.md.
.PARAMETER Package
    What pip installs: a wheel, a folder with the source, or a name.
.PARAMETER To
    Where it goes.
.PARAMETER WinSW
    WinSW-x64.exe of version 2, from https://github.com/winsw/winsw/releases. Without it no service is made.
.EXAMPLE
    .\install.ps1 -Package C:\Downloads\radicale_flowfact-0.1.0-py3-none-any.whl -WinSW C:\Downloads\WinSW-x64.exe
#>
[CmdletBinding()]
param(
    [string] $Package = "radicale-flowfact",
    [string] $To = "C:\radicale-flowfact",
    [string] $WinSW = ""
)
$ErrorActionPreference = "Stop"
Set-StrictMode -Version 2.0

function Invoke-Checked {
    # Runs a program; its exit status ends the script, which PowerShell itself does not do.
    param([string] $Program, [string[]] $Arguments)
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Program ended with $LASTEXITCODE" }
}

$identity = New-Object Security.Principal.WindowsPrincipal([Security.Principal.WindowsIdentity]::GetCurrent())
if (-not $identity.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) {
    throw "Start PowerShell as administrator."
}

$service = Join-Path $To "radicale-flowfact.exe"
$config = Join-Path $To "config"
$logs = Join-Path $To "logs"
$python = Join-Path $To "venv\Scripts\python.exe"

# The folder: SYSTEM and administrators write, the service's account NETWORK SERVICE (S-1-5-20) reads.
New-Item -ItemType Directory -Force -Path $To, $config, $logs | Out-Null
Invoke-Checked icacls @($To, "/inheritance:r", "/grant:r", "*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F", "*S-1-5-20:(OI)(CI)RX")
Invoke-Checked icacls @($logs, "/grant:r", "*S-1-5-20:(OI)(CI)M")

# A running service holds the files that an upgrade replaces.
$known = Get-Service -Name "radicale-flowfact" -ErrorAction SilentlyContinue
if ($known -and $known.Status -ne "Stopped") {
    Stop-Service -Name "radicale-flowfact"
    $known.WaitForStatus("Stopped", [TimeSpan]::FromSeconds(60))
}

if (-not (Test-Path $python)) {
    Invoke-Checked py @("-3", "-m", "venv", (Join-Path $To "venv"))
}
Invoke-Checked $python @("-m", "pip", "install", "--quiet", "--upgrade", $Package)

$env:PYTHONUTF8 = "1"
if (-not (Test-Path (Join-Path $config "radicale.ini"))) {
    Invoke-Checked $python @("-m", "radicale_flowfact", "init", $config)
}

# The service's description may hold the database password by now, so it is not written over.
$description = Join-Path $To "radicale-flowfact.xml"
if (-not (Test-Path $description)) {
    Copy-Item (Join-Path $PSScriptRoot "radicale-flowfact.xml") $description
}
if ($WinSW -and -not (Test-Path $service)) {
    Copy-Item $WinSW $service
}
if (-not (Test-Path $service)) {
    Write-Output "Installed in $To. For the service, run this again with -WinSW <path of WinSW-x64.exe>."
    return
}
if (-not $known) {
    Invoke-Checked $service @("install")
}

# A database that cannot be reached, or a configuration that is not filled in yet, is told of here, not in a log.
& $python -m radicale_flowfact check --config (Join-Path $config "radicale.ini")
if ($LASTEXITCODE -ne 0) {
    Write-Warning "Not started: set up $config as the guide says, then run: $service start"
    return
}
Invoke-Checked $service @("start")
Write-Output "Running: http://127.0.0.1:5232/.flowfact/health"
